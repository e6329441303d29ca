import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** What the queries read of an event, by the streaming parser. */
final class Bid {
  private static final JsonFactory JSON = new JsonFactory();

  long auction;
  long bidder;
  long price;
  long dateTime;

  static Bid parse(byte[] json) {
    var bid = new Bid();
    try (JsonParser parser = JSON.createParser(json)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        var name = parser.currentName();
        parser.nextToken();
        switch (name) {
          case "auction" -> bid.auction = parser.getLongValue();
          case "bidder" -> bid.bidder = parser.getLongValue();
          case "price" -> bid.price = parser.getLongValue();
          case "dateTime" -> bid.dateTime = parser.getLongValue();
          default -> parser.skipChildren();
        }
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return bid;
  }

  /** The row of the query without state. */
  byte[] row() {
    var text = "{\"auction\":" + auction + ",\"bidder\":" + bidder + ",\"price\":" + price + ",\"dateTime\":" + dateTime + "}";
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The row of an auction's window. */
  static byte[] row(long auction, long start, long n, long total, long top) {
    var text = "{\"auction\":" + auction + ",\"start\":" + start + ",\"n\":" + n + ",\"total\":" + total + ",\"top\":" + top + "}";
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
