// A Java program that lives by faults, as each does, and has a native library in which surefoot is
// installed. openjdk.sh says what is to come of it.
//
//   java Neighbour LIBRARY FILE works            all below, with us
//   java Neighbour LIBRARY FILE works crashes    and then a fault of nobody's
//   java Neighbour LIBRARY FILE crashes          that fault alone, without us

import java.io.RandomAccessFile;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

public final class Neighbour {
  // neighbour.cpp
  static native boolean install();
  static native boolean installed();
  static native boolean kernelCallsUs();
  static native int wrongAnswers(int rounds);
  static native void crash(long address);

  static final class Box {
    int value = 1;
  }

  // Compiled, it loads at the offset of `value` and asks nobody: null is a SIGSEGV.
  static int valueOf(Box b) {
    return b.value;
  }

  static void expect(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  // Long enough that what it calls is compiled before the first null comes (-Xbatch).
  static void makeHot() {
    final Box box = new Box();
    int sum = 0;
    for (int i = 0; i < 200_000; ++i) sum += valueOf(box);
    expect(sum == 200_000, "a hot loop");
  }

  static void nullChecks(int rounds) {
    final Box box = new Box();
    int sum = 0, thrown = 0;
    for (int i = 0; i < rounds; ++i) {
      try {
        sum += valueOf(i % 4 == 3 ? null : box);
      } catch (NullPointerException e) {
        ++thrown;
      }
    }
    expect(thrown == rounds / 4, thrown + " of " + rounds / 4 + " null checks");
    expect(sum == rounds - thrown, "what was not null");
  }

  // Loops that are stopped for each collection: at a page that is denied then.
  static void polls(int rounds) {
    long sum = 0;
    for (long i = 0; i < rounds * 1_000L; ++i) sum += i ^ (sum >> 3);
    expect(sum != 0, "a long loop");
  }

  static int deeper(int depth) {
    return depth < 0 ? 0 : 1 + deeper(depth + 1);
  }

  // The end of a stack is a page that is denied.
  static void stackOverflows(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      try {
        deeper(0);
        expect(false, "no end of the stack");
      } catch (StackOverflowError e) {
        // As it should.
      }
    }
  }

  // A file that became shorter is a SIGBUS, and an InternalError.
  static void truncatedFile(String name) throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(name, "rw")) {
      file.setLength(8192);
      final MappedByteBuffer mapped = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 8192);
      mapped.put(5000, (byte) 1);
      expect(mapped.get(5000) == 1, "a mapped byte");
      file.setLength(0);
      try {
        mapped.get(5000);
        Thread.sleep(1); // it may come late
        expect(false, "no error of a truncated file");
      } catch (InternalError e) {
        // As it should.
      }
    }
  }

  // All of it at once, in two threads of each kind, with collections meanwhile.
  static void allAtOnce(int rounds) throws Exception {
    final AtomicReference<Throwable> trouble = new AtomicReference<>();
    final AtomicBoolean over = new AtomicBoolean();
    final List<Thread> threads = new ArrayList<>();
    final Runnable[] kinds = {
      () -> nullChecks(400 * rounds),
      () -> polls(10 * rounds),
      () -> stackOverflows(rounds / 20),
      () -> expect(wrongAnswers(rounds) == 0, "wrong answers of ours"),
    };
    for (final Runnable kind : kinds) {
      for (int i = 0; i < 2; ++i) {
        threads.add(new Thread(() -> {
          try {
            kind.run();
          } catch (Throwable e) {
            trouble.compareAndSet(null, e);
          }
        }));
      }
    }
    final Thread collector = new Thread(() -> {
      while (!over.get()) System.gc();
    });
    collector.start();
    for (final Thread t : threads) t.start();
    for (final Thread t : threads) t.join();
    over.set(true);
    collector.join();
    if (trouble.get() != null) throw new AssertionError("in a thread", trouble.get());
  }

  static void works(String file) throws Exception {
    makeHot();
    nullChecks(1_000);
    expect(install(), "install()");
    expect(installed(), "installed()");
    System.out.println("the kernel calls " + (kernelCallsUs() ? "us" : "the JVM"));
    expect(wrongAnswers(10) == 0, "wrong answers of ours");
    nullChecks(1_000);
    stackOverflows(2);
    truncatedFile(file);
    allAtOnce(200);
    expect(installed(), "installed() at the end");
    expect(wrongAnswers(10) == 0, "wrong answers of ours at the end");
    nullChecks(1_000);
    System.out.println("both work");
  }

  public static void main(String[] arguments) throws Exception {
    System.load(arguments[0]);
    for (int i = 2; i < arguments.length; ++i) {
      switch (arguments[i]) {
        case "works": works(arguments[1]); break;
        case "crashes": crash(0x2000_0000_0123L); break;
        default: throw new AssertionError(arguments[i]);
      }
    }
  }
}
