import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.WindowStore;

/** Count, sum and greatest price by auction; a window is given out once, when it is over. */
final class Windows {
  static final Duration SIZE = Duration.ofMillis(Long.parseLong(StreamsPeer.ENV.get("SIZE_MS")));
  static final String REPARTITION = "by-auction-repartition";

  /** Threads read their partitions at their own pace, and nothing keeps one from being so far ahead of the other. */
  static final Duration GRACE = Duration.ofSeconds(30);

  /** Closed windows are looked for once a second: until then they have to be kept, however far the time has moved. */
  private static final Duration RETENTION = SIZE.plus(GRACE).multipliedBy(2).plusMinutes(1);

  static void build(StreamsBuilder builder, InputEnd end) {
    var slide = Duration.ofMillis(Long.parseLong(StreamsPeer.ENV.get("SLIDE_MS")));
    var bytes = Serdes.ByteArray();
    var timed = Consumed.with(bytes, BIDS).withTimestampExtractor((record, before) -> ((Bid) record.value()).dateTime);
    var events = builder.stream(StreamsPeer.ENV.get("INPUT"), timed);
    if (end != null) events = events.processValues(end::watch);
    var longs = Serdes.Long();
    var prices = events.map((none, bid) -> KeyValue.pair(bid.auction, bid.price))
        .repartition(Repartitioned.<Long, Long>as("by-auction").withKeySerde(longs).withValueSerde(longs));
    if (end != null) prices = prices.processValues(InputEnd::watchMarks);
    prices.groupByKey(Grouped.with(longs, longs))
        .windowedBy(TimeWindows.ofSizeAndGrace(SIZE, GRACE).advanceBy(slide))
        .emitStrategy(EmitStrategy.onWindowClose())
        .aggregate(() -> new long[3], Windows::add, store())
        .toStream()
        .map((key, sums) -> KeyValue.pair((byte[]) null, Bid.row(key.key(), key.window().start(), sums[0], sums[1], sums[2])))
        .to(StreamsPeer.ENV.get("OUTPUT"), Produced.with(bytes, bytes));
  }

  private static long[] add(long auction, long price, long[] sums) {
    return new long[] {sums[0] + 1, sums[1] + price, Math.max(sums[2], price)};
  }

  private static Materialized<Long, long[], WindowStore<Bytes, byte[]>> store() {
    var store = Materialized.<Long, long[], WindowStore<Bytes, byte[]>>as("sums")
        .withRetention(RETENTION)
        .withKeySerde(Serdes.Long())
        .withValueSerde(SUMS);
    var inMemory = StreamsPeer.ENV.get("STORE").equals("memory");
    var stored = inMemory ? store.withStoreType(new BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers()) : store;
    return inMemory && StreamsPeer.ENV.get("GUARANTEE").equals("at_least_once") ? stored.withLoggingDisabled() : stored;
  }

  private static final Serde<Bid> BIDS = Serdes.serdeFrom((topic, bid) -> null, (topic, json) -> Bid.parse(json));

  private static final Serde<long[]> SUMS = Serdes.serdeFrom(
      (topic, sums) -> sums == null
          ? null
          : ByteBuffer.allocate(24).putLong(sums[0]).putLong(sums[1]).putLong(sums[2]).array(),
      (topic, bytes) -> {
        if (bytes == null) return null;
        var buffer = ByteBuffer.wrap(bytes);
        return new long[] {buffer.getLong(), buffer.getLong(), buffer.getLong()};
      });
}
