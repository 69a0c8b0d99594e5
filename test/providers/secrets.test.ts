/**
 * F60: what is secret shows nowhere. Every vendor's provider works in a kit whose log, spans, metrics, framework events, traces and
 * rows are kept, and is refused, cannot be reached, and meets a vendor that repeats what it was sent.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Agent, FrameworkEventType, RoomKit, TransportChannel, type Logger } from '../../src/index.js';
import { MockTelemetryProvider, type OpenProvider, type OpenTransport } from '../../src/testing/index.js';
import { TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { openAISDKv4 } from './open-ai-sdk.js';
import { openAnthropic } from './open-anthropic.js';
import { openElasticEmail } from './open-elasticemail.js';
import { openGemini } from './open-gemini.js';
import { openHttp } from './open-http.js';
import { openMessenger } from './open-messenger.js';
import { openOpenAIChat, openOpenAIResponses } from './open-openai.js';
import { openPydanticAI } from './open-pydantic-ai.js';
import { openSendGrid } from './open-sendgrid.js';
import { openSinch } from './open-sinch.js';
import { openSmtp } from './open-smtp.js';
import { openTeams } from './open-teams.js';
import { openTelegram } from './open-telegram.js';
import { openTelnyxRcs } from './open-telnyx-rcs.js';
import { openTelnyx } from './open-telnyx.js';
import { openTwilioRcs } from './open-twilio-rcs.js';
import { openTwilio } from './open-twilio.js';
import { openVllm } from './open-vllm.js';
import { openVoiceMeUp } from './open-voicemeup.js';
import { openWhatsApp } from './open-whatsapp.js';

const MESSAGING: Readonly<Record<string, OpenTransport>> = {
  sinch: openSinch,
  telnyx: openTelnyx,
  'telnyx rcs': openTelnyxRcs,
  teams: openTeams,
  messenger: openMessenger,
  telegram: openTelegram,
  'elastic email': openElasticEmail,
  smtp: openSmtp,
  'twilio rcs': openTwilioRcs,
  sendgrid: openSendGrid,
  twilio: openTwilio,
  whatsapp: openWhatsApp,
  http: openHttp,
  voicemeup: openVoiceMeUp,
};

const MODELS: Readonly<Record<string, OpenProvider>> = {
  anthropic: openAnthropic,
  'openai chat': openOpenAIChat,
  'openai responses': openOpenAIResponses,
  gemini: openGemini,
  vllm: openVllm('reasoning'),
  'ai sdk': openAISDKv4,
  'pydantic ai': openPydanticAI,
};

/** A kit that keeps everything it says of itself. */
function watchedKit() {
  const said: unknown[] = [];
  const keep = (...given: readonly unknown[]): void => void said.push(...given);
  const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep };
  const telemetry = new MockTelemetryProvider();
  const kit = new RoomKit({ logger, telemetry: { provider: telemetry } });
  for (const type of FrameworkEventType) kit.on(type, keep);
  kit.hook('on_error', { name: 'watch' }, (error) => keep(error));
  /** All of it, as text. */
  const printed = async (...more: readonly unknown[]): Promise<string> => {
    await kit.settled();
    const events = await kit.getTimeline('room', { limit: 100 });
    const rows = [await kit.listDeliveries({ roomId: 'room' }), await kit.listTurns({ roomId: 'room' })];
    const traces = events.map(({ id }) => kit.getTrace(id));
    const all = [...said, telemetry.spans, telemetry.metrics, events, rows, traces, ...more];
    return all.map((one) => `${inspect(one, { depth: 12, showHidden: true })}\n${JSON.stringify(one) ?? ''}\n${String(one)}`).join('\n');
  };
  return { kit, telemetry, printed };
}

const WAYS = ['is taken', 'is refused for a wrong key', 'reaches nobody', 'is repeated to it'] as const;
type Way = (typeof WAYS)[number];

function shows(printed: string, secrets: readonly string[]): readonly string[] {
  return secrets.filter((secret) => printed.includes(secret)).map((secret) => around(printed, secret));
}

function around(printed: string, secret: string): string {
  const at = printed.indexOf(secret);
  return printed.slice(Math.max(0, at - 120), at + secret.length + 40);
}

/** A model of the AI SDK comes with its key, which its provider never sees and so cannot hide in the words of others. */
const cases = (names: Readonly<Record<string, unknown>>): readonly (readonly [string, Way])[] =>
  Object.keys(names).flatMap((name) => WAYS.filter((way) => name !== 'ai sdk' || way !== 'is repeated to it').map((way) => [name, way] as const));

describe('F60 secret_never_printed', () => {
  it.each(cases(MESSAGING))('by %s, whose message %s', async (name, way) => {
    verifies('F60', 'TEL-06', 'PV-01', 'PV-03');
    const open = MESSAGING[name] as OpenTransport; // one of them
    const setup = await open({ hasWrongKey: way === 'is refused for a wrong key', isUnreachable: way === 'reaches nobody' });
    const { kit, telemetry, printed } = watchedKit();
    const channel = new TransportChannel('vendor', {
      channelType: setup.channelType,
      provider: setup.provider,
      recipientKey: 'recipient',
      ...(setup.defaults !== undefined && { defaults: setup.defaults }),
    });
    try {
      kit.registerChannel(channel);
      kit.registerChannel(new TestTransport('desk'));
      await kit.createRoom({ roomId: 'room' });
      await kit.attachChannel('room', 'desk');
      await kit.attachChannel('room', 'vendor', { metadata: { recipient: setup.to }, retryPolicy: null });
      if (way === 'is repeated to it') setup.fail({ status: 500, body: `You sent ${setup.secrets.join(' and ')}`, times: 3 });
      const { deliveryResults } = await kit.processInbound({ channelId: 'desk', senderId: 'grace', content: 'Hello' }, { roomId: 'room' });
      // It did come that far.
      const knowsKeys = way !== 'is refused for a wrong key' || setup.lacks?.includes('key_check') !== true;
      const isLoud = way !== 'is repeated to it' || setup.lacks?.includes('status_faults') !== true;
      if (knowsKeys && isLoud) expect(deliveryResults['vendor']?.status).toBe(way === 'is taken' ? 'sent' : 'failed');
      const all = await printed(setup.provider, channel, deliveryResults);
      expect(telemetry.spans.length).toBeGreaterThan(0);
      expect(shows(all, [...setup.secrets, 'Authorization:', 'authorization:'])).toEqual([]);
    } finally {
      await kit.close();
      await setup.close();
    }
  });

  it.each(cases(MODELS))('by %s, whose call %s', async (name, way) => {
    verifies('F60', 'TEL-06', 'PV-01', 'PV-03');
    const open = MODELS[name] as OpenProvider; // one of them
    const setup = await open({ hasWrongKey: way === 'is refused for a wrong key', isUnreachable: way === 'reaches nobody' });
    const { kit, telemetry, printed } = watchedKit();
    const agent = new Agent('helper', { provider: setup.provider, role: 'Helper', retryPolicy: { maxRetries: 0 } });
    try {
      kit.registerChannel(agent);
      kit.registerChannel(new TestTransport('desk'));
      await kit.createRoom({ roomId: 'room' });
      for (const id of ['desk', 'helper']) await kit.attachChannel('room', id);
      const canFail = setup.lacks?.includes('status_errors') !== true;
      setup.reply(way === 'is repeated to it' && canFail ? { failure: { status: 400, message: `Your key is ${setup.key}` } } : 'Hello.');
      const { turns } = await kit.processInbound({ channelId: 'desk', senderId: 'grace', content: 'Hi' }, { roomId: 'room' });
      const hasFailed = way === 'reaches nobody' || (way === 'is repeated to it' && canFail);
      if (way !== 'is refused for a wrong key') expect(turns.map(({ state }) => state)).toEqual([hasFailed ? 'failed' : 'committed']);
      const all = await printed(setup.provider, agent, turns);
      expect(telemetry.spans.length).toBeGreaterThan(0);
      expect(shows(all, [setup.key, 'Authorization:', 'authorization:'])).toEqual([]);
    } finally {
      await kit.close();
      await setup.close();
    }
  });
});
