/** The provider of a linked WhatsApp over the fake of its driver, for the contract: there is no wire that could be emulated. */
import { FakeWhatsAppDriver } from '../../src/emulators/index.js';
import { WhatsAppPersonalChannel } from '../../src/index.js';
import { WhatsAppPersonalProvider, WhatsAppPersonalSource } from '../../src/providers/baileys/index.js';
import { TAKEN } from '../../src/testing/contracts/source-case.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { soon } from '../sources/soon.js';

export const openWhatsAppPersonal: OpenTransport = async ({ isUnreachable, timeoutSeconds } = {}) => {
  const whatsapp = new FakeWhatsAppDriver();
  const source = new WhatsAppPersonalSource(whatsapp, { channelId: 'personal' });
  const names = new Map<Uint8Array, string>();
  const provider = new WhatsAppPersonalProvider(source, {
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    fetch: (url) => {
      const bytes = new TextEncoder().encode(`the file at ${url}`);
      names.set(bytes, url);
      const data = (async function* () {
        yield await Promise.resolve(bytes);
      })();
      return Promise.resolve({ data, mimeType: 'application/octet-stream' });
    },
  });
  if (isUnreachable !== true) {
    void source.start(() => Promise.resolve(TAKEN), { signal: new AbortController().signal, connected: () => undefined });
    await soon(() => source.isConnected);
  }
  const phone = whatsapp.phone('+15550123');
  return {
    provider,
    channelType: 'whatsapp_personal',
    mediaTypes: new WhatsAppPersonalChannel('personal').capabilities.mediaTypes,
    to: phone.number,
    arrived: () =>
      phone.messages.map(({ text, file, place }) => ({
        text: place === undefined ? text : `${text} ${place.latitude}`,
        media: file === undefined ? [] : [new TextDecoder().decode(file.bytes)],
      })),
    fail: ({ times, body, hangs, cuts }) =>
      whatsapp.fail({
        ...(times !== undefined && { times }),
        ...(typeof body === 'object' && body !== null && body),
        ...(hangs !== undefined && { hangs }),
        ...(cuts !== undefined && { cuts }),
      }),
    requests: () => whatsapp.requests,
    secrets: [],
    unreachableCode: 'not_connected',
    errors: [
      { name: 'the connection is closed', fault: { body: { code: 'not_connected' } }, code: 'not_connected', retryable: true },
      { name: 'too fast', fault: { body: { code: 'rate_limit' } }, code: 'rate_limit', retryable: true },
      { name: 'no member of the group', fault: { body: { code: 'whatsapp_403', retryable: false } }, code: 'whatsapp_403', retryable: false },
    ],
    // The driver knows no statuses and no headers, and who is linked needs no key.
    lacks: ['key_check', 'retry_after', 'status_faults'],
    close: () => source.stop(),
  };
};
