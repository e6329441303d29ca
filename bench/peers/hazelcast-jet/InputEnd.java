import com.hazelcast.cluster.Address;
import com.hazelcast.function.FunctionEx;
import com.hazelcast.jet.core.Inbox;
import com.hazelcast.jet.core.Outbox;
import com.hazelcast.jet.core.Processor;
import com.hazelcast.jet.core.ProcessorMetaSupplier;
import com.hazelcast.jet.core.ProcessorSupplier;
import com.hazelcast.jet.core.Watermark;
import com.hazelcast.jet.kafka.KafkaProcessors;
import com.hazelcast.jet.pipeline.Sources;
import com.hazelcast.jet.pipeline.StreamSource;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Jet's Kafka source knows no end of an input: this ends it after what was there at the start. */
final class InputEnd {
  /** The last offset of each partition that is not read yet. */
  private static final Map<Integer, Long> OPEN = new ConcurrentHashMap<>();

  static void find(String brokers, String input) {
    var settings = Map.<String, Object>of("bootstrap.servers", brokers);
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      var partitions = consumer.partitionsFor(input).stream()
          .map(partition -> new TopicPartition(input, partition.partition()))
          .toList();
      consumer.endOffsets(partitions).forEach((partition, end) -> {
        if (end > 0) OPEN.put(partition.partition(), end - 1);
      });
    }
  }

  static <T> StreamSource<T> source(
      Properties settings, String topic, FunctionEx<ConsumerRecord<byte[], byte[]>, T> read, boolean bounded) {
    return Sources.streamFromProcessorWithWatermarks("events", true, policy ->
        bounded
            ? new Bounded(KafkaProcessors.<byte[], byte[], T>streamKafkaP(settings, record -> {
              var event = read.apply(record);
              OPEN.remove(record.partition(), record.offset());
              return event;
            }, policy, topic))
            : KafkaProcessors.<byte[], byte[], T>streamKafkaP(settings, read, policy, topic));
  }

  /** Jet's source, with ends. */
  private record Bounded(ProcessorMetaSupplier source) implements ProcessorMetaSupplier {
    @Override
    public int preferredLocalParallelism() {
      return source.preferredLocalParallelism();
    }

    @Override
    public Function<? super Address, ? extends ProcessorSupplier> get(List<Address> addresses) {
      var suppliers = source.get(addresses);
      return address -> {
        var supplier = suppliers.apply(address);
        return count -> supplier.get(count).stream().map(Ending::new).collect(Collectors.toList());
      };
    }
  }

  private static final class Ending implements Processor {
    private final Processor source;
    private Outbox outbox;

    Ending(Processor source) {
      this.source = source;
    }

    @Override
    public boolean complete() {
      source.complete();
      return OPEN.isEmpty() && !outbox.hasUnfinishedItem();
    }

    @Override
    public void init(Outbox outbox, Context context) throws Exception {
      this.outbox = outbox;
      source.init(outbox, context);
    }

    @Override
    public boolean isCooperative() {
      return source.isCooperative();
    }

    @Override
    public boolean tryProcessWatermark(Watermark watermark) {
      return source.tryProcessWatermark(watermark);
    }

    @Override
    public boolean saveToSnapshot() {
      return source.saveToSnapshot();
    }

    @Override
    public boolean snapshotCommitPrepare() {
      return source.snapshotCommitPrepare();
    }

    @Override
    public boolean snapshotCommitFinish(boolean success) {
      return source.snapshotCommitFinish(success);
    }

    @Override
    public void restoreFromSnapshot(Inbox inbox) {
      source.restoreFromSnapshot(inbox);
    }

    @Override
    public boolean finishSnapshotRestore() {
      return source.finishSnapshotRestore();
    }

    @Override
    public void close() throws Exception {
      source.close();
    }
  }
}
