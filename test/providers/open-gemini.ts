/** A Gemini provider in front of its emulator. */
import { GeminiEmulator, type ScriptedModelReply } from '../../src/emulators/index.js';
import { GeminiAIProvider } from '../../src/providers/gemini/index.js';
import type { OpenProvider, ProviderSetup } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

export const openGemini: OpenProvider = (options) => open('test-model', 'low', options);
export const openGeminiBefore3: OpenProvider = (options) => open('gemini-2.5-test', 2048, options);

async function open(model: string, thinking: 'low' | number, options: Parameters<OpenProvider>[0] = {}): Promise<ProviderSetup> {
  const vendor = await GeminiEmulator.start({ models: [model], earlyModels: ['gemini-2.5-test'] });
  const key = options.hasWrongKey === true ? 'wrong-key' : 'test-key';
  return {
    provider: new GeminiAIProvider({
      apiKey: key,
      model: options.hasUnknownModel === true ? 'no-such-model' : model,
      baseUrl: options.isUnreachable === true ? await unusedAddress() : vendor.url,
      ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
      ...(options.thinks === true && { thinking }),
    }),
    reply: (...replies) => vendor.enqueue(...replies.map(inVendorsWords)),
    requests: () => vendor.requests,
    openConnections: () => vendor.openConnections,
    key,
    lacks: ['raw_arguments'], // arguments are objects here
    close: () => vendor.close(),
  };
}

/** The suite says `length`; this vendor says `MAX_TOKENS`. */
function inVendorsWords(reply: ScriptedModelReply): ScriptedModelReply {
  return typeof reply !== 'string' && 'finish' in reply && reply.finish === 'length' ? { ...reply, finish: 'MAX_TOKENS' } : reply;
}
