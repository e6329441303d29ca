import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/** A query in Flink SQL, on a cluster in this JVM. The variables of the environment say which, and on what. */
public final class FlinkPeer {
  private static final Map<String, String> ENV = System.getenv();
  private static final String QUERY = ENV.get("QUERY");
  private static final boolean BOUNDED = Boolean.parseBoolean(ENV.get("BOUNDED"));
  private static final boolean EXACTLY_ONCE = ENV.get("GUARANTEE").equals("exactly-once");
  private static final boolean LATENCY = QUERY.equals("latency");

  public static void main(String[] args) {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0)));
    try {
      run();
      Runtime.getRuntime().halt(0);
    } catch (Throwable error) {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private static void run() throws Exception {
    var environment = StreamExecutionEnvironment.getExecutionEnvironment(cluster());
    environment.setParallelism(Integer.parseInt(ENV.get("PARALLELISM")));
    var tables = StreamTableEnvironment.create(environment);
    tables.getConfig().getConfiguration().addAll(planner());
    tables.executeSql(source());
    tables.executeSql(sink());
    tables.executeSql("INSERT INTO results " + query()).await();
  }

  private static Configuration cluster() {
    var path = Path.of(ENV.get("FOLDER"));
    var settings = new Configuration();
    settings.setString("pipeline.object-reuse", "true");
    settings.setString("taskmanager.numberOfTaskSlots", ENV.get("PARALLELISM"));
    settings.setString("taskmanager.memory.managed.size", "512m");
    settings.setString("taskmanager.memory.network.min", "64m");
    settings.setString("taskmanager.memory.network.max", "64m");
    settings.setString("execution.buffer-timeout.interval", LATENCY ? "1 ms" : "100 ms");
    settings.setString("state.backend.type", ENV.get("BACKEND"));
    settings.setString("state.backend.rocksdb.localdir", path.resolve("rocksdb").toString());
    settings.setString("io.tmp.dirs", path.toString());
    settings.setString("rest.port", "0");
    settings.setString("rest.bind-address", "127.0.0.1");
    if (EXACTLY_ONCE) {
      settings.setString("execution.checkpointing.interval", LATENCY ? "100 ms" : "2 s");
      settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
      settings.setString("execution.checkpointing.incremental", "true");
      settings.setString("execution.checkpointing.storage", "filesystem");
      settings.setString("execution.checkpointing.dir", path.resolve("checkpoints").toUri().toString());
    }
    return settings;
  }

  private static Configuration planner() {
    var settings = new Configuration();
    settings.setString("table.local-time-zone", "UTC");
    settings.setString("table.exec.source.idle-timeout", "0 ms");
    return settings;
  }

  private static String source() {
    var columns = switch (QUERY) {
      case "windowed" -> """
          auction BIGINT, price BIGINT, `dateTime` BIGINT, ts AS TO_TIMESTAMP_LTZ(`dateTime`, 3),
          WATERMARK FOR ts AS ts - INTERVAL '1' SECOND""";
      case "stateless" -> "auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` BIGINT";
      case "q0" -> "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` BIGINT, extra STRING";
      case "q1" -> "auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` BIGINT, extra STRING";
      case "q2" -> "auction BIGINT, price BIGINT";
      case "latency" -> "n BIGINT, sent BIGINT";
      default -> throw new IllegalArgumentException(QUERY);
    };
    return "CREATE TABLE events (" + columns + ") WITH (" + connector("INPUT") + """
        , 'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = 'flink'
        , 'properties.enable.auto.commit' = 'false', 'properties.max.poll.records' = '5000'
        """ + (BOUNDED ? ", 'scan.bounded.mode' = 'latest-offset'" : "") + ")";
  }

  private static String sink() {
    var columns = switch (QUERY) {
      case "windowed" -> "auction BIGINT, `start` BIGINT, n BIGINT, total BIGINT, top BIGINT";
      case "stateless" -> "auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` BIGINT";
      case "q0" -> "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` BIGINT, extra STRING";
      case "q1" -> "auction BIGINT, bidder BIGINT, price DOUBLE, `dateTime` BIGINT, extra STRING";
      case "q2" -> "auction BIGINT, price BIGINT";
      default -> "n BIGINT, sent BIGINT";
    };
    var guarantee = EXACTLY_ONCE
        ? ", 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '" + ENV.get("OUTPUT") + "'"
            + ", 'properties.transaction.timeout.ms' = '" + Duration.ofMinutes(10).toMillis() + "'"
        : ", 'sink.delivery-guarantee' = 'none'";
    var producer = LATENCY
        ? ", 'properties.linger.ms' = '0'"
        : ", 'properties.linger.ms' = '20', 'properties.batch.size' = '262144'";
    return "CREATE TABLE results (" + columns + ") WITH (" + connector("OUTPUT") + guarantee + producer + ")";
  }

  private static String connector(String topic) {
    return "'connector' = 'kafka', 'format' = 'json', 'topic' = '" + ENV.get(topic)
        + "', 'properties.bootstrap.servers' = '" + ENV.get("BROKERS") + "'";
  }

  private static String query() {
    return switch (QUERY) {
      case "windowed" -> """
          SELECT auction, TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_start) * CAST(1000 AS BIGINT)
            + EXTRACT(MILLISECOND FROM window_start), COUNT(*), SUM(price), MAX(price)
          FROM TABLE(%s) GROUP BY auction, window_start, window_end""".formatted(windows());
      case "stateless" -> "SELECT auction, bidder, price, `dateTime` FROM events WHERE price > 500000";
      case "q1" -> "SELECT auction, bidder, price * CAST(0.908 AS DOUBLE), `dateTime`, extra FROM events";
      case "q2" -> "SELECT auction, price FROM events WHERE MOD(auction, 123) = 0";
      default -> "SELECT * FROM events";
    };
  }

  private static String windows() {
    var size = interval(ENV.get("SIZE_MS"));
    return ENV.get("SIZE_MS").equals(ENV.get("SLIDE_MS"))
        ? "TUMBLE(TABLE events, DESCRIPTOR(ts), " + size + ")"
        : "HOP(TABLE events, DESCRIPTOR(ts), " + interval(ENV.get("SLIDE_MS")) + ", " + size + ")";
  }

  private static String interval(String ms) {
    return "INTERVAL '" + Long.parseLong(ms) / 1000 + "." + "%03d".formatted(Long.parseLong(ms) % 1000) + "' SECOND(10, 3)";
  }
}
