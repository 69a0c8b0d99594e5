/** An AI SDK provider over a thin model, in front of the emulator of that model's vendor. */
import { AnthropicEmulator, type ScriptedModelReply } from '../../src/emulators/index.js';
import { AISDKProvider, type AISDKModel } from '../../src/providers/ai-sdk/index.js';
import type { OpenProvider, ProviderSetup } from '../../src/testing/index.js';
import { modelV3, modelV4, type ModelSettings } from './anthropic-model.js';
import { unusedAddress } from './unused-address.js';

export const openAISDKv3: OpenProvider = (options) => open(modelV3, options);
export const openAISDKv4: OpenProvider = (options) => open(modelV4, options);

async function open(make: (settings: ModelSettings) => AISDKModel, options: Parameters<OpenProvider>[0] = {}): Promise<ProviderSetup> {
  const vendor = await AnthropicEmulator.start();
  const key = options.hasWrongKey === true ? 'wrong-key' : 'test-key';
  const model = make({
    url: options.isUnreachable === true ? await unusedAddress() : vendor.url,
    key,
    model: options.hasUnknownModel === true ? 'no-such-model' : 'test-model',
    thinks: options.thinks === true,
  });
  return {
    provider: new AISDKProvider({
      model,
      vision: true,
      ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
    }),
    reply: (...replies) => vendor.enqueue(...replies.map(inVendorsWords)),
    requests: () => vendor.requests,
    openConnections: () => vendor.openConnections,
    key,
    lacks: ['key_per_call'], // the key is the model's
    close: () => vendor.close(),
  };
}

function inVendorsWords(reply: ScriptedModelReply): ScriptedModelReply {
  return typeof reply !== 'string' && 'finish' in reply && reply.finish === 'length' ? { ...reply, finish: 'max_tokens' } : reply;
}
