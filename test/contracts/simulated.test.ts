/** What the simulator puts in the place of database, locks and broker holds their contracts, like the real ones. */
import { describe, it } from 'vitest';
import { lockContract, realtimeContract, storeContract, type LockSetup, type RealtimeSetup } from '../../src/testing/index.js';
import { SimulatedLeases, simulatedLocks } from '../../src/testing/simulator/locks.js';
import { SimulatedProcess, type Surroundings } from '../../src/testing/simulator/process.js';
import { SeededRandom } from '../../src/testing/simulator/random.js';
import { SimulatedBroker, SimulatedRealtime } from '../../src/testing/simulator/realtime.js';
import { Stage } from '../../src/testing/simulator/stage.js';
import { SimulatedDatabase, simulatedStore } from '../../src/testing/simulator/store.js';
import { UuidGenerator } from '../../src/core/index.js';
import { verifies } from '../requirements.js';

/** Processes to whom nothing happens, on a stage that goes on by itself. */
function calmStage() {
  const stage = new Stage();
  let isOver = false;
  const around: Surroundings = { stage, random: new SeededRandom(1), nextFault: () => undefined, noteFault: () => undefined, died: () => undefined };
  void (async () => {
    while (!isOver) {
      await stage.until(() => false, 1);
      await new Promise((resolve) => setImmediate(resolve)); // tests set timers of the machine's
    }
  })();
  let count = 0;
  return { stage, process: () => new SimulatedProcess(`p${++count}`, around), stop: () => (isOver = true) };
}

describe('the contract of stores on the simulated database', () => {
  it.each(storeContract.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    verifies('STO-05', 'STO-16', ...one.rules);
    const { process, stop } = calmStage();
    try {
      await one.run(() => simulatedStore(process(), new SimulatedDatabase()));
    } finally {
      stop();
    }
  });
});

describe('the contract of the lock on simulated leases', () => {
  it.each(lockContract.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    verifies('LOCK-01', 'LOCK-04', ...one.rules);
    const { stage, process, stop } = calmStage();
    try {
      await one.run((): LockSetup => {
        const leases = new SimulatedLeases(stage);
        return {
          locks: simulatedLocks(process(), leases, 30),
          another: () => simulatedLocks(process(), leases, 30),
          lose: async (roomId) => {
            leases.lose(roomId);
            await stage.until(() => false, 11_000);
          },
        };
      });
    } finally {
      stop();
    }
  });
});

describe('the contract of realtime on the simulated broker', () => {
  it.each(realtimeContract.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    verifies('EPH-01', ...one.rules);
    const { process, stop } = calmStage();
    try {
      await one.run((): RealtimeSetup => {
        const broker = new SimulatedBroker();
        const open = () => new SimulatedRealtime(process(), broker, new UuidGenerator());
        return { realtime: open(), another: open };
      });
    } finally {
      stop();
    }
  });
});
