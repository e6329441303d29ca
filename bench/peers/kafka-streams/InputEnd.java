import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Kafka Streams knows no end of an input: this tells when what was there at the start is read, and closes windows. */
final class InputEnd {
  /** What the emission of closed windows waits at least, from one to the next. */
  private static final long EMIT_INTERVAL_MS = 1000;

  /** The key of a record that only moves the time on. */
  private static final long MARK = -1;

  private final Admin admin;
  private final String brokers;
  private final String group;
  private final Map<TopicPartition, Long> ends;

  /** The last offset of each partition. */
  private final long[] last;

  /** The latest time of an event. */
  private final AtomicLong latest = new AtomicLong();

  InputEnd(String brokers, String input, String group) throws Exception {
    this.brokers = brokers;
    this.group = group;
    this.admin = Admin.create(Map.of("bootstrap.servers", brokers));
    this.ends = ends(input);
    this.last = new long[ends.size()];
    ends.forEach((partition, end) -> last[partition.partition()] = end - 1);
  }

  /** A step that lets what was read be committed as soon as it is all there is. */
  <V> FixedKeyProcessor<byte[], V, V> watch() {
    return new ContextualFixedKeyProcessor<>() {
      @Override
      public void process(FixedKeyRecord<byte[], V> record) {
        context().forward(record);
        var at = context().recordMetadata().get();
        if (at.offset() != last[at.partition()]) return;
        latest.accumulateAndGet(context().currentStreamTimeMs(), Math::max);
        context().commit();
      }
    };
  }

  void awaitRead() throws Exception {
    awaitCommitted(ends);
  }

  /** Moves the time of each partition on by so much; groups that this opens are never given out. */
  void closeWindows(String repartition, Duration after) throws Exception {
    var topic = group + "-" + repartition;
    var partitions = ends(topic).size();
    var settings = Map.<String, Object>of("bootstrap.servers", brokers);
    try (var producer = new KafkaProducer<>(settings, new LongSerializer(), new LongSerializer())) {
      for (int turn = 1; turn <= 2; turn++) {
        for (int partition = 0; partition < partitions; partition++) {
          producer.send(new ProducerRecord<>(topic, partition, latest.get() + after.toMillis() + turn, MARK, 0L));
        }
        producer.flush();
        awaitCommitted(ends(topic));
        if (turn == 1) Thread.sleep(EMIT_INTERVAL_MS + 100);
      }
    }
  }

  /** A step that lets a mark be committed at once. */
  static FixedKeyProcessor<Long, Long, Long> watchMarks() {
    return new ContextualFixedKeyProcessor<>() {
      @Override
      public void process(FixedKeyRecord<Long, Long> record) {
        context().forward(record);
        if (record.key() == MARK) context().commit();
      }
    };
  }

  private void awaitCommitted(Map<TopicPartition, Long> ends) throws Exception {
    while (!isCommitted(ends)) Thread.sleep(20);
  }

  private boolean isCommitted(Map<TopicPartition, Long> ends) throws Exception {
    var committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
    return ends.entrySet().stream().allMatch(end -> {
      var offset = committed.get(end.getKey());
      return end.getValue() == 0 || offset != null && offset.offset() >= end.getValue();
    });
  }

  private Map<TopicPartition, Long> ends(String topic) throws Exception {
    var partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions();
    var asked = IntStream.range(0, partitions.size())
        .mapToObj(number -> new TopicPartition(topic, number))
        .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
    Map<TopicPartition, ListOffsetsResultInfo> latest = admin.listOffsets(asked).all().get();
    return latest.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().offset()));
  }
}
