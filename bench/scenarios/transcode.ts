/** transcode_rich_to_text_x10: what it costs to turn rich content into text for those who can show no more. */
import type { ChannelCapabilities } from 'roomkit';
import { shareOf } from '../figures.js';
import { BODY, check, type Scenario, type Side } from '../harness.js';
import { assertHeard, Counter, kitWithTargets } from '../rooms.js';

const RECEIVERS = 10;
const CONTENT = { type: 'rich', body: BODY, buttons: [{ id: 'b', label: 'Track it', kind: 'reply' }] } as const;
const TEXT_ONLY: Partial<ChannelCapabilities> = {
  mediaTypes: ['text'],
  maxLength: 1600,
  supportsButtons: false,
  supportsRichText: false,
  supportsQuickReplies: false,
  supportsCards: false,
};

export const transcode: Scenario = {
  name: 'transcode_rich_to_text_x10',
  async run(bench) {
    const messages = bench.size(10_000);
    const side = (capabilities: Partial<ChannelCapabilities>): Side => ({
      messages,
      async begin() {
        const counter = new Counter();
        const kit = await kitWithTargets(RECEIVERS, counter, { capabilities });
        return {
          async work() {
            for (let n = 0; n < messages; n++)
              assertHeard(await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: CONTENT }, { roomId: 'room-0' }));
          },
          async end() {
            check(counter.delivered === messages * RECEIVERS, `${counter.delivered} deliveries instead of ${messages * RECEIVERS}`);
            await kit.close();
          },
        };
      },
    });
    // Here the limit is ourselves with receivers that can show everything.
    const rates = await bench.compare(side(TEXT_ONLY), side({}));
    bench.report('throughput', 'msg/s', rates.ours, { limit: rates.limit, goal: { ...shareOf(1 / 1.1), text: '≤ 10 % over no transcoding' } });
  },
};
