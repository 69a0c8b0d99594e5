/** The vendor's answers: a whole response, and the chunks it is streamed as. */
import { randomUUID } from 'node:crypto';
import type { ServerEvent } from '../event-stream.js';
import { isFields } from '../problem.js';
import { argumentsText, piecesOf, tokensOf, type ScriptedAnswer } from '../script.js';
import type { Asked } from './check-request.js';
import type { Signatures } from './signatures.js';

type Part = Readonly<Record<string, unknown>>;

/** Scripted as `finish: 'blocked:REASON'`: the prompt is not even passed to the model. */
const BLOCKED = /^blocked:(\w+)$/;

/** All chunks of an answer, the last with its reason to end. */
export function chunksOf(answer: ScriptedAnswer, asked: Asked, signatures: Signatures): readonly Part[] {
  const common = { modelVersion: asked.model, responseId: randomUUID().replaceAll('-', '').slice(0, 22) };
  const usageMetadata = usageOf(answer, asked);
  const blockReason = BLOCKED.exec(answer.finish ?? '')?.[1];
  if (blockReason !== undefined) {
    const { promptTokenCount } = usageMetadata;
    return [{ promptFeedback: { blockReason }, usageMetadata: { promptTokenCount, totalTokenCount: promptTokenCount }, ...common }];
  }
  const parts = partsOf(answer, asked, signatures);
  const finishReason = answer.finish ?? 'STOP';
  return parts.map((part, at) => ({
    candidates: [
      {
        content: { ...(part !== undefined && { parts: [part] }), role: 'model' },
        ...(at === parts.length - 1 && { finishReason }),
        index: 0,
      },
    ],
    usageMetadata,
    ...common,
  }));
}

export function eventsOf(chunks: readonly Part[]): readonly ServerEvent[] {
  return chunks.map((data) => ({ data }));
}

/** The same in one piece. */
export function responseOf(chunks: readonly Part[]): Part {
  const last = chunks.at(-1) ?? {};
  if (last['candidates'] === undefined) return last;
  const candidates = chunks.flatMap((chunk) => chunk['candidates'] as readonly { content: { parts?: readonly Part[] }; finishReason?: string }[]);
  const parts = joined(candidates.flatMap(({ content }) => content.parts ?? []));
  const content = { ...(parts.length > 0 && { parts }), role: 'model' };
  return { ...last, candidates: [{ content, finishReason: candidates.at(-1)?.finishReason, index: 0 }] };
}

/** Texts that follow one another are one part. */
function joined(parts: readonly Part[]): readonly Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const isText = typeof part['text'] === 'string' && typeof last?.['text'] === 'string' && last['thought'] === part['thought'];
    if (isText) result[result.length - 1] = { ...last, ...part, text: `${String(last['text'])}${String(part['text'])}` };
    else result.push(part);
  }
  return result;
}

function partsOf({ text = '', thinking, toolCalls = [], pieceChars }: ScriptedAnswer, asked: Asked, signatures: Signatures): (Part | undefined)[] {
  const parts: (Part | undefined)[] = [];
  if (thinking !== undefined && asked.tellsThoughts) parts.push(...piecesOf(thinking, pieceChars).map((piece) => ({ text: piece, thought: true })));
  parts.push(...piecesOf(text, pieceChars).map((piece) => ({ text: piece })));
  toolCalls.forEach((call, at) => {
    const id = call.id ?? (asked.isEarly ? undefined : randomUUID().slice(0, 8));
    parts.push({
      functionCall: { ...(id !== undefined && { id }), name: call.name, args: argsOf(argumentsText(call)) },
      // Of calls side by side the first alone is signed.
      ...(at === 0 && !asked.isEarly && { thoughtSignature: signatures.make() }),
    });
  });
  if (toolCalls.length === 0) parts.push(asked.isEarly ? undefined : { text: '', thoughtSignature: signatures.make() });
  return parts;
}

/** There is no place for arguments that are no JSON. */
function argsOf(text: string): unknown {
  try {
    const args: unknown = JSON.parse(text);
    return isFields(args) ? args : {};
  } catch {
    return {};
  }
}

function usageOf({ usage = {}, text = '', thinking = '', toolCalls = [] }: ScriptedAnswer, asked: Asked): Readonly<Record<string, number>> {
  const { cacheRead = 0 } = usage;
  const promptTokenCount = usage.input ?? tokensOf(JSON.stringify(asked.body)) + cacheRead;
  const thoughtsTokenCount = usage.thinking ?? tokensOf(thinking);
  const written = tokensOf(text) + toolCalls.reduce((sum, call) => sum + 10 + tokensOf(argumentsText(call)), 0);
  const candidatesTokenCount = usage.output === undefined ? written : usage.output - thoughtsTokenCount;
  return {
    promptTokenCount,
    candidatesTokenCount,
    totalTokenCount: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
    ...(cacheRead > 0 && { cachedContentTokenCount: cacheRead }),
    ...(thoughtsTokenCount > 0 && { thoughtsTokenCount }),
  };
}
