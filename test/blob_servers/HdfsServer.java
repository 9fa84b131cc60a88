import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/**
 * A real HDFS, one name node and one data node in this process, for the tests of blob stores.
 * Ports are free ones on loopback. Prints one line of JSON when WebHDFS answers, ends when its
 * standard input closes. Started by hdfs_server.py, which documents the line.
 */
public class HdfsServer {
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("aiflow-hdfs-");
        Configuration settings = new Configuration();
        settings.setBoolean("dfs.webhdfs.enabled", true);
        settings.setBoolean("dfs.permissions.enabled", true);
        settings.setInt("dfs.replication", 1);
        settings.set("hadoop.http.staticuser.user", "nobody");
        MiniDFSCluster cluster = new MiniDFSCluster.Builder(settings, folder.toFile())
            .numDataNodes(1).format(true).build();
        try {
            cluster.waitActive();
            String root = "/aiflow";
            String user = "aiflow";  // no superuser: permissions count
            try (FileSystem files = cluster.getFileSystem()) {
                org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(root);
                files.mkdirs(path);
                files.setPermission(path, new FsPermission((short) 0700));
                files.setOwner(path, user, user);
            }
            int port = cluster.getNameNode().getHttpAddress().getPort();
            System.out.println("{\"url\": \"http://127.0.0.1:" + port + "\", \"user\": \"" + user
                + "\", \"root\": \"" + root + "\"}");
            System.out.flush();
            while (System.in.read() >= 0) {
                // Only the end matters.
            }
        } finally {
            cluster.shutdown();
            delete(folder);
        }
        System.exit(0);
    }

    private static void delete(Path folder) throws Exception {
        try (Stream<Path> all = Files.walk(folder)) {
            all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(file -> file.delete());
        }
    }
}
