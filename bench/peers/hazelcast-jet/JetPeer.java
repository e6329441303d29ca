import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.jet.aggregate.AggregateOperation;
import com.hazelcast.jet.aggregate.AggregateOperation1;
import com.hazelcast.jet.config.JobConfig;
import com.hazelcast.jet.config.ProcessingGuarantee;
import com.hazelcast.jet.kafka.KafkaSinks;
import com.hazelcast.jet.pipeline.Pipeline;
import com.hazelcast.jet.pipeline.Sink;
import com.hazelcast.jet.pipeline.StreamSourceStage;
import com.hazelcast.jet.pipeline.WindowDefinition;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A query in Hazelcast's stream engine, on one member in this JVM. The variables of the environment say which, and on what. */
public final class JetPeer {
  private static final Map<String, String> ENV = System.getenv();
  private static final int PARALLELISM = Integer.parseInt(ENV.get("PARALLELISM"));
  private static final boolean BOUNDED = Boolean.parseBoolean(ENV.get("BOUNDED"));
  private static final boolean LATENCY = ENV.get("QUERY").equals("latency");
  private static final ProcessingGuarantee GUARANTEE = ProcessingGuarantee.valueOf(ENV.get("GUARANTEE"));
  private static final long LATENESS_MS = 1000;

  public static void main(String[] args) {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0)));
    try {
      if (BOUNDED) InputEnd.find(ENV.get("BROKERS"), ENV.get("INPUT"));
      var job = new JobConfig()
          .setProcessingGuarantee(GUARANTEE)
          .setSnapshotIntervalMillis(LATENCY ? 100 : 2000);
      Hazelcast.newHazelcastInstance(member()).getJet().newJob(pipeline(), job).join();
      Runtime.getRuntime().halt(0);
    } catch (Throwable error) {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static Config member() {
    var config = new Config().setClusterName(ENV.get("OUTPUT"));
    config.setProperty("hazelcast.phone.home.enabled", "false");
    config.setProperty("hazelcast.logging.type", "none");
    config.setProperty("hazelcast.shutdownhook.enabled", "false");
    config.setProperty("hazelcast.socket.bind.any", "false");
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    config.getNetworkConfig().getJoin().getAutoDetectionConfig().setEnabled(false);
    config.getNetworkConfig().getJoin().getMulticastConfig().setEnabled(false);
    config.getJetConfig().setEnabled(true).setCooperativeThreadCount(PARALLELISM);
    return config;
  }

  private static Pipeline pipeline() {
    var pipeline = Pipeline.create();
    switch (ENV.get("QUERY")) {
      case "windowed" -> windowed(events(pipeline, record -> Bid.parse(record.value())));
      case "stateless" -> events(pipeline, record -> Bid.parse(record.value()))
          .withoutTimestamps()
          .filter(bid -> bid.price > 500_000)
          .map(Bid::row)
          .writeTo(results());
      default -> events(pipeline, ConsumerRecord::value).withoutTimestamps().writeTo(results());
    }
    return pipeline;
  }

  private static void windowed(StreamSourceStage<Bid> events) {
    long size = Long.parseLong(ENV.get("SIZE_MS"));
    long slide = Long.parseLong(ENV.get("SLIDE_MS"));
    events
        .withTimestamps(bid -> bid.dateTime, LATENESS_MS)
        .setLocalParallelism(PARALLELISM)
        .groupingKey(bid -> bid.auction)
        .window(size == slide ? WindowDefinition.tumbling(size) : WindowDefinition.sliding(size, slide))
        .aggregate(SUMS)
        .map(group -> {
          var sums = group.result();
          return Bid.row(group.key(), group.start(), sums[0], sums[1], sums[2]);
        })
        .writeTo(results());
  }

  /** Number, sum and greatest of the prices. */
  private static final AggregateOperation1<Bid, long[], long[]> SUMS = AggregateOperation
      .withCreate(() -> new long[3])
      .andAccumulate((long[] sums, Bid bid) -> add(sums, 1, bid.price, bid.price))
      .andCombine((sums, more) -> add(sums, more[0], more[1], more[2]))
      .andExportFinish(long[]::clone);

  private static void add(long[] sums, long n, long total, long top) {
    sums[0] += n;
    sums[1] += total;
    sums[2] = Math.max(sums[2], top);
  }

  private static <T> StreamSourceStage<T> events(
      Pipeline pipeline, com.hazelcast.function.FunctionEx<ConsumerRecord<byte[], byte[]>, T> read) {
    var settings = new Properties();
    settings.put("bootstrap.servers", ENV.get("BROKERS"));
    settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("auto.offset.reset", "earliest");
    settings.put("max.poll.records", "2000");
    return pipeline.readFrom(InputEnd.source(settings, ENV.get("INPUT"), read, BOUNDED));
  }

  private static Sink<byte[]> results() {
    var settings = new Properties();
    settings.put("bootstrap.servers", ENV.get("BROKERS"));
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    settings.put("linger.ms", LATENCY ? "0" : "20");
    settings.put("batch.size", "262144");
    settings.put("transaction.timeout.ms", "600000");
    return KafkaSinks.<byte[]>kafka(settings)
        .topic(ENV.get("OUTPUT"))
        .extractKeyFn(row -> null)
        .extractValueFn(row -> row)
        .exactlyOnce(GUARANTEE == ProcessingGuarantee.EXACTLY_ONCE)
        .build();
  }
}
