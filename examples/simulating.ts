/** A kit of one's own under crashes, lost answers, pauses and partitions: many runs on virtual time, each the same for the same seed. */
// #region scenario
import { AIChannel, RoomKit, SMSChannel } from 'roomkit';
import { describeSimulation, simulate, type Scenario } from 'roomkit/testing';

const orders: Scenario = {
  name: 'orders',
  // A process starts: at the beginning, and again after each crash. `options` hold the simulated store, locks, realtime and clock.
  start({ world, process, options }) {
    const kit = new RoomKit(options);
    kit.registerChannel(new SMSChannel('sms', { provider: world.vendor('sms').provider(process) }));
    kit.registerChannel(new AIChannel('clerk', { provider: world.model('model').provider(process) }));
    return kit;
  },
  async prepare(kit) {
    await kit.createRoom({ roomId: 'order-1' });
    await kit.attachChannel('order-1', 'sms', { metadata: { phone_number: '+15550123' } });
    await kit.attachChannel('order-1', 'clerk');
  },
  // The vendor calls again until it hears that a message was taken, and sometimes twice.
  play({ people }) {
    for (let n = 1; n <= 4; n++) people.write({ roomId: 'order-1', channelId: 'sms', senderId: '+15550123', text: `Message ${n}` }, n * 1500);
  },
  // Beside what always has to hold: throw, or say what is wrong.
  judge: ({ database }) => (database.countEvents('order-1') > 11 ? ['the clerk says more than it was asked'] : []),
};
// #endregion

// #region run
const report = await simulate({ scenario: orders, runs: 60, processes: [1, 2], seed: 7 });
if (report.failures.length > 0) console.log(describeSimulation(report)); // which seed, what is wrong, and what it takes
console.log(`${report.runs} runs, ${report.failures.length} went wrong`);
// #endregion

// prints:
// 60 runs, 0 went wrong
