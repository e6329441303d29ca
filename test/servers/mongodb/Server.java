import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import org.h2.mvstore.MVStore;

/**
 * MongoDB's protocol at a port of this machine, over memory, or over the file {@code documents}, which has what was
 * answered; over TLS where {@code key} and {@code certificate} are files.
 */
class Server {
    public static void main(String[] args) throws Exception {
        String documents = System.getProperty("documents");
        String key = System.getProperty("key");
        MongoBackend backend = documents != null ? new Durable(documents) : new MemoryBackend();
        MongoServer server = new MongoServer(backend);
        if (key != null) {
            server.enableSsl(keyIn(key), null, certificateIn(System.getProperty("certificate")));
        }
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
        Thread.currentThread().join();
    }

    private static PrivateKey keyIn(String file) throws Exception {
        String body = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----", "");
        byte[] bytes = Base64.getMimeDecoder().decode(body);
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(bytes));
    }

    private static X509Certificate certificateIn(String file) throws Exception {
        try (FileInputStream in = new FileInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    /**
     * By itself the backend commits once a second, in the middle of what is written then: a kill may leave a document
     * without its entry in the index, which can never be written again. Here each command is one commit.
     */
    private static class Durable extends H2Backend {
        Durable(String file) {
            super(new MVStore.Builder().fileName(file).autoCommitDisabled().autoCommitBufferSize(0).open());
        }

        @Override
        public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
            try {
                return super.handleCommand(channel, database, command, query);
            } finally {
                commit();
            }
        }

        @Override
        public synchronized Document handleMessage(MongoMessage message) {
            try {
                return super.handleMessage(message);
            } finally {
                commit();
            }
        }
    }
}
