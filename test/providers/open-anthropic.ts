/** An Anthropic provider in front of its emulator. */
import { AnthropicEmulator, type ScriptedModelReply } from '../../src/emulators/index.js';
import { AnthropicAIProvider } from '../../src/providers/anthropic/index.js';
import type { OpenProvider } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

export const openAnthropic: OpenProvider = async (options = {}) => {
  const vendor = await AnthropicEmulator.start();
  const key = options.hasWrongKey === true ? 'wrong-key' : 'test-key';
  return {
    provider: new AnthropicAIProvider({
      apiKey: key,
      model: options.hasUnknownModel === true ? 'no-such-model' : 'test-model',
      baseUrl: options.isUnreachable === true ? await unusedAddress() : vendor.url,
      ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
      ...(options.thinks === true && { thinking: 2048 }),
    }),
    reply: (...replies) => vendor.enqueue(...replies.map(inVendorsWords)),
    requests: () => vendor.requests,
    openConnections: () => vendor.openConnections,
    key,
    close: () => vendor.close(),
  };
};

/** The suite says `length`; this vendor says `max_tokens`. */
function inVendorsWords(reply: ScriptedModelReply): ScriptedModelReply {
  return typeof reply !== 'string' && 'finish' in reply && reply.finish === 'length' ? { ...reply, finish: 'max_tokens' } : reply;
}
