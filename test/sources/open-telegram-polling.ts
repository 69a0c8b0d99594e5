/** A TelegramPollingSource in front of a server that answers `getUpdates` and nothing else, in any order and with any ids. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TelegramBotProvider, TelegramPollingSource } from '../../src/providers/telegram/index.js';
import type { OpenSource, SaidToSource } from '../../src/testing/index.js';
import { unusedAddress } from '../providers/unused-address.js';

const SECRET = 'a-token-that-shows-nowhere';

/** Each message stands in a chat of its own: messages of one chat are brought one after the other. */
const chatOf = ({ senderId, text }: SaidToSource): string => `${senderId}-${text}`;

export const openTelegramPolling: OpenSource = async ({ isUnreachable = false, isSilent = false } = {}) => {
  let updates: { update_id: number }[] = [];
  let waiting: ServerResponse | undefined;
  const open = new Set<ServerResponse>();
  const add = (...more: object[]): void => {
    for (const update of more) updates.push({ update_id: ++nextId, ...update });
    const response = waiting;
    waiting = undefined;
    if (response !== undefined) answer(response);
  };
  let nextId = 100;
  /** The next that waits is cut off. */
  let isCut = false;
  const answer = (response: ServerResponse): void => void response.end(JSON.stringify({ ok: true, result: updates.slice(0, 100) }));
  const server = createServer((request, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const { offset = 0, timeout = 0 } = JSON.parse(Buffer.concat(chunks).toString()) as { offset?: number; timeout?: number };
      if (isSilent) return;
      updates = updates.filter(({ update_id }) => update_id >= offset);
      if (updates.length > 0 || timeout === 0) answer(response);
      else if (isCut) {
        isCut = false;
        response.destroy();
      } else waiting = response;
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = isUnreachable ? await unusedAddress() : `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new TelegramBotProvider({ botToken: `1:${SECRET}`, baseUrl });
  return {
    source: new TelegramPollingSource({ provider, channelId: 'telegram' }),
    channelId: 'telegram',
    secret: SECRET,
    keyOf: (said) => `${chatOf(said)}:1`,
    say: (...said) =>
      add(
        ...said.map((one) => ({
          message: { message_id: 1, from: { id: one.senderId }, chat: { id: chatOf(one), type: 'private' }, date: 1, text: one.text },
        })),
      ),
    babble: () => add({ poll: {} }, { message: null }, { message: { text: 'of nobody' } }, { edited_message: [] }, { message_reaction: {} }),
    cut: () => {
      if (waiting === undefined) isCut = true;
      else waiting.destroy();
    },
    // A request is one: the sockets below are kept for the next by the platform.
    openConnections: () => open.size,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
