/** A model's vendor in a process of its own, so that what is measured is this one. Started by scenarios/vendor.ts. */
import { AnthropicEmulator } from 'roomkit/emulators';

const vendor = await AnthropicEmulator.start({ rules: [{ when: () => true, reply: process.argv[2] ?? '' }] });
process.send?.(vendor.url);
process.once('disconnect', () => process.exit());
