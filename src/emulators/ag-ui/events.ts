/** The events of one run, in the order that AG-UI 1.0 wants them in. */
import { randomUUID } from 'node:crypto';
import { tokensIn } from '../counting.js';
import type { ServerEvent } from '../event-stream.js';
import { argumentsText, piecesOf, type ScriptedAnswer, type ScriptedFailure } from '../script.js';
import type { Asked } from './conversation.js';

/** Results of the agent's own tools, by their names. */
export type RemoteTools = Readonly<Record<string, string>>;

export function eventsOf(answer: ScriptedAnswer, asked: Asked, remoteTools: RemoteTools): readonly ServerEvent[] {
  const { threadId, runId } = asked;
  const messageId = randomUUID();
  return [
    event('RUN_STARTED', { threadId, runId, protocolVersion: '1.0' }),
    ...reasoningOf(answer),
    ...textOf(answer, messageId),
    ...callsOf(answer, messageId, remoteTools),
    event('RUN_FINISHED', { threadId, runId, outcome: { type: 'success' }, usage: [usageOf(answer, asked)] }),
  ];
}

export function failedRun(asked: Asked, failure: ScriptedFailure): readonly ServerEvent[] {
  return [event('RUN_STARTED', { threadId: asked.threadId, runId: asked.runId, protocolVersion: '1.0' }), errorEvent(failure)];
}

/** There is no vocabulary of codes: the agent says what its model's vendor said. */
export function errorEvent({ status, type, message }: ScriptedFailure): ServerEvent {
  return event('RUN_ERROR', { message: message ?? `status_code: ${status}`, code: type ?? String(status) });
}

function reasoningOf({ thinking, pieceChars }: ScriptedAnswer): readonly ServerEvent[] {
  if (thinking === undefined) return [];
  const [span, messageId] = [randomUUID(), randomUUID()];
  return [
    event('REASONING_START', { messageId: span }),
    event('REASONING_MESSAGE_START', { messageId, role: 'reasoning' }),
    ...piecesOf(thinking, pieceChars).map((delta) => event('REASONING_MESSAGE_CONTENT', { messageId, delta })),
    event('REASONING_MESSAGE_END', { messageId }),
    event('REASONING_ENCRYPTED_VALUE', { subtype: 'message', entityId: messageId, encryptedValue: Buffer.from(thinking).toString('base64') }),
    event('REASONING_END', { messageId: span }),
  ];
}

function textOf({ text = '', pieceChars }: ScriptedAnswer, messageId: string): readonly ServerEvent[] {
  if (text === '') return [];
  return [
    event('TEXT_MESSAGE_START', { messageId, role: 'assistant' }),
    ...piecesOf(text, pieceChars).map((delta) => event('TEXT_MESSAGE_CONTENT', { messageId, delta })),
    event('TEXT_MESSAGE_END', { messageId }),
  ];
}

function callsOf({ toolCalls = [], pieceChars }: ScriptedAnswer, parentMessageId: string, remoteTools: RemoteTools): readonly ServerEvent[] {
  return toolCalls.flatMap((call) => {
    const toolCallId = call.id ?? `pyd_ai_${randomUUID().replaceAll('-', '')}`;
    const result = remoteTools[call.name];
    return [
      event('TOOL_CALL_START', { toolCallId, toolCallName: call.name, parentMessageId }),
      ...piecesOf(argumentsText(call), pieceChars).map((delta) => event('TOOL_CALL_ARGS', { toolCallId, delta })),
      event('TOOL_CALL_END', { toolCallId }),
      ...(result === undefined ? [] : [event('TOOL_CALL_RESULT', { messageId: randomUUID(), toolCallId, content: result, role: 'tool' })]),
    ];
  });
}

function usageOf(answer: ScriptedAnswer, asked: Asked): Readonly<Record<string, unknown>> {
  const { input, output, cached, cacheWritten, thinking } = tokensIn(answer, asked);
  return {
    provider: 'test',
    model: asked.model,
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output,
    ...(thinking > 0 && { reasoningTokens: thinking }),
    ...(cached > 0 && { cachedInputTokens: cached }),
    ...(cacheWritten > 0 && { cacheWriteInputTokens: cacheWritten }),
  };
}

function event(type: string, fields: Readonly<Record<string, unknown>>): ServerEvent {
  return { data: { type, ...fields } };
}
