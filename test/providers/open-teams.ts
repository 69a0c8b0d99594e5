/** The provider of Teams in front of its emulator, for the contract. */
import { TeamsChannel } from '../../src/index.js';
import { TeamsEmulator } from '../../src/emulators/index.js';
import type { OpenTransport } from '../../src/testing/index.js';
import { BotFrameworkTeamsProvider, MemoryReferences } from '../../src/providers/teams/index.js';
import { unusedAddress } from './unused-address.js';

export const openTeams: OpenTransport = async ({ hasWrongKey, isUnreachable, timeoutSeconds, webhookUrl } = {}) => {
  const vendor = await TeamsEmulator.start(webhookUrl === undefined ? {} : { webhookUrl });
  const appPassword = hasWrongKey === true ? 'a-secret-nobody-knows' : vendor.appPassword;
  const person = vendor.conversation('ada');
  // In the conversations of the contract nobody has written before.
  const references = new MemoryReferences();
  references.set(person.id, { conversationId: person.id, serviceUrl: vendor.serviceUrl });
  const provider = new BotFrameworkTeamsProvider({
    appId: vendor.appId,
    appPassword,
    tenantId: vendor.tenantId,
    loginUrl: isUnreachable === true ? await unusedAddress() : vendor.url,
    openIdUrl: vendor.openIdUrl,
    allowedServiceHosts: [vendor.serviceHost],
    references,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
  const problem = (code: string, message: string): unknown => ({ error: { code, message } });
  return {
    provider,
    channelType: 'teams',
    mediaTypes: new TeamsChannel('teams').capabilities.mediaTypes,
    to: person.id,
    arrived: () => person.messages.map(({ text, media, buttons }) => ({ text: [text, ...buttons.map(({ label }) => label)].join('\n'), media })),
    fail: (fault) => vendor.fail({ path: '/v3/conversations/', ...fault }),
    requests: () => vendor.requests.filter(({ path }) => path.includes('/v3/conversations/')),
    secrets: [appPassword],
    errors: [
      { name: 'BadArgument', fault: { status: 400 }, code: 'teams_BadArgument', retryable: false },
      { name: 'ForbiddenOperationException', fault: { status: 403 }, code: 'auth_error', retryable: false },
      {
        name: 'ConversationBlockedByUser',
        fault: { status: 403, body: problem('ConversationBlockedByUser', 'User blocked the conversation with the bot.') },
        code: 'teams_ConversationBlockedByUser',
        retryable: false,
      },
      { name: 'ConversationNotFound', fault: { status: 404 }, code: 'teams_ConversationNotFound', retryable: false },
      { name: 'PreconditionFailed', fault: { status: 412 }, code: 'teams_PreconditionFailed', retryable: true },
      { name: 'MessageSizeTooBig', fault: { status: 413 }, code: 'teams_MessageSizeTooBig', retryable: false },
      { name: 'Throttled', fault: { status: 429 }, code: 'rate_limit', retryable: true },
      { name: 'ServiceError', fault: { status: 500 }, code: 'teams_ServiceError', retryable: true },
      { name: 'a 401, twice', fault: { status: 401, times: 2 }, code: 'auth_error', retryable: false },
      { name: 'a 400 without a body', fault: { status: 400, body: '' }, code: 'invalid_request', retryable: false },
    ],
    write: (text) => person.write(text),
    webhook: { signatureHeader: 'authorization', signsBody: false },
    close: () => vendor.close(),
  };
};
