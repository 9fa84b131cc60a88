import org.apache.flink.api.common.restartstrategy.RestartStrategies;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.source.SourceFunction;

/** Jobs that end, fail, never end, or come in twos: the first argument tells which. */
public class Jobs {
  /** Counts, and goes on counting from a savepoint. */
  public static class Ticks implements SourceFunction<Long>, CheckpointedFunction {
    private final long count;
    private final String failure;
    private volatile boolean running = true;
    private long next = 0;
    private transient ListState<Long> state;

    Ticks(long count, String failure) {
      this.count = count;
      this.failure = failure;
    }

    @Override
    public void run(SourceContext<Long> out) throws Exception {
      while (running && next < count) {
        synchronized (out.getCheckpointLock()) {
          out.collect(next++);
        }
        Thread.sleep(10);
      }
      if (!failure.isEmpty()) throw new IllegalStateException(failure);
    }

    @Override
    public void cancel() {
      running = false;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
      state.clear();
      state.add(next);
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
      state = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("next", Long.class));
      for (long saved : state.get()) next = saved;
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (String argument : arguments) System.out.println("argument <" + argument + ">");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setRestartStrategy(RestartStrategies.noRestart());
    env.setParallelism(1);
    String kind = arguments[0];
    String failure = kind.equals("fail") ? "broken on purpose" : "";
    env.addSource(new Ticks(kind.equals("stream") ? Long.MAX_VALUE : 20, failure)).print();
    env.execute("ticks");
    if (kind.equals("two")) {
      env.addSource(new Ticks(20, "")).print();
      env.execute("more ticks");
    }
    System.out.println("the program ends");
  }
}
