import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** A query in Kafka Streams. The variables of the environment say which, and on what. */
public final class StreamsPeer {
  static final Map<String, String> ENV = System.getenv();
  private static final boolean LATENCY = ENV.get("QUERY").equals("latency");
  private static final boolean BOUNDED = Boolean.parseBoolean(ENV.get("BOUNDED"));

  public static void main(String[] args) {
    try {
      run();
      Runtime.getRuntime().halt(0);
    } catch (Throwable error) {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static void run() throws Exception {
    var end = BOUNDED ? new InputEnd(ENV.get("BROKERS"), ENV.get("INPUT"), ENV.get("OUTPUT")) : null;
    var streams = new KafkaStreams(topology(end), settings());
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      streams.close();
      Runtime.getRuntime().halt(0);
    }));
    streams.start();
    if (end == null) Thread.currentThread().join();
    end.awaitRead();
    if (ENV.get("QUERY").equals("windowed")) end.closeWindows(Windows.REPARTITION, Windows.SIZE.plus(Windows.GRACE));
    streams.close();
  }

  private static Topology topology(InputEnd end) {
    var builder = new StreamsBuilder();
    var bytes = Serdes.ByteArray();
    if (ENV.get("QUERY").equals("windowed")) {
      Windows.build(builder, end);
      return builder.build();
    }
    var events = builder.stream(ENV.get("INPUT"), Consumed.with(bytes, bytes));
    if (end != null) events = events.processValues(end::watch);
    var results = LATENCY ? events : events.flatMapValues(value -> {
      var bid = Bid.parse(value);
      return bid.price > 500_000 ? List.of(bid.row()) : List.<byte[]>of();
    });
    results.to(ENV.get("OUTPUT"), Produced.with(bytes, bytes));
    return builder.build();
  }

  private static Properties settings() {
    var settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, ENV.get("OUTPUT"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, ENV.get("BROKERS"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, ENV.get("FOLDER"));
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, ENV.get("PARALLELISM"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, ENV.get("GUARANTEE"));
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, LATENCY ? 100 : 2000);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 128 << 20);
    settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), LATENCY ? 1000 : 5000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), LATENCY ? 0 : 100);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    // The usual 10 s are over too soon where the machine is busy.
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 120_000);
    return settings;
  }
}
