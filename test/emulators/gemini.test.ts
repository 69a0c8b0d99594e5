/** Gemini's emulator: it takes the vendor's own client, and refuses what the vendor refuses, in the vendor's words. */
import { GoogleGenAI } from '@google/genai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GeminiEmulator } from '../../src/emulators/index.js';
import { verifies } from '../requirements.js';

let vendor: GeminiEmulator;
beforeAll(async () => {
  vendor = await GeminiEmulator.start({ models: ['test-model', 'early'], earlyModels: ['early'] });
});
afterAll(() => vendor.close());

interface Refused {
  error: { code: number; message: string; status: string; details?: { reason?: string; fieldViolations?: unknown[] }[] };
}

async function post(body: unknown, { model = 'test-model', key = 'test-key' }: { model?: string; key?: string | null } = {}): Promise<Refused> {
  const response = await fetch(`${vendor.url}/v1beta/models/${model}:generateContent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== null && { 'x-goog-api-key': key }) },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Refused;
  expect(answer.error.code).toBe(response.status);
  return answer;
}

const HELLO = [{ role: 'user', parts: [{ text: 'Hello' }] }];
const CALL = { functionCall: { id: 'a', name: 'look_up', args: {} }, thoughtSignature: 'skip_thought_signature_validator' };
const RESPONSE = { functionResponse: { id: 'a', name: 'look_up', response: { result: 'x' } } };
const declared = (parameters: unknown): unknown => ({ contents: HELLO, tools: [{ functionDeclarations: [{ name: 'f', parameters }] }] });
const schema = (property: unknown): unknown => declared({ type: 'OBJECT', properties: { it: property } });

describe('GeminiEmulator', () => {
  it.each<[string, unknown, RegExp]>([
    ['nothing to answer', {}, /contents is not specified/],
    ['a name it does not have', { contents: HELLO, max_tokens: 5 }, /Unknown name "max_tokens": Cannot find field/],
    [
      'a name deeper in',
      { contents: HELLO, generationConfig: { maxTokens: 5 } },
      /Unknown name "maxTokens" at 'generation_config': Cannot find field/,
    ],
    ['another role', { contents: [{ role: 'assistant', parts: [{ text: 'Hi' }] }] }, /Please use a valid role: user, model/],
    ['a part without anything', { contents: [{ role: 'user', parts: [{}] }] }, /required oneof field 'data'/],
    ['no parts', { contents: [{ role: 'user', parts: [] }] }, /contents.parts must not be empty/],
    ['the model at the end', { contents: [...HELLO, { role: 'model', parts: [{ text: 'Hi' }] }] }, /end with a user turn/],
    ['a response without a call', { contents: [{ role: 'user', parts: [RESPONSE] }] }, /response turn comes immediately after a function call turn/],
    [
      'a call at the beginning',
      {
        contents: [
          { role: 'model', parts: [CALL] },
          { role: 'user', parts: [RESPONSE] },
        ],
      },
      /function call turn comes immediately after a user turn/,
    ],
    [
      'fewer responses than calls',
      { contents: [...HELLO, { role: 'model', parts: [CALL, CALL] }, { role: 'user', parts: [RESPONSE] }] },
      /number of function response parts is equal/,
    ],
    [
      'a call without its signature',
      { contents: [...HELLO, { role: 'model', parts: [{ functionCall: CALL.functionCall }] }, { role: 'user', parts: [RESPONSE] }] },
      /missing a thought_signature.*`default_api:look_up` , position 2/,
    ],
    [
      'a signature it did not give',
      { contents: [...HELLO, { role: 'model', parts: [{ ...CALL, thoughtSignature: 'AAAA' }] }, { role: 'user', parts: [RESPONSE] }] },
      /Corrupted thought signature/,
    ],
    ['a keyword of schemas', schema({ type: 'STRING', const: 'a' }), /Unknown name "const" at 'tools\[0\].function_declarations\[0\].parameters/],
    ['several types', schema({ type: ['string', 'null'] }), /Proto field is not repeating, cannot start list/],
    ['a list of anything', schema({ type: 'ARRAY' }), /items: missing field/],
    ['choices of numbers', schema({ type: 'INTEGER', enum: [1] }), /Invalid value at .*enum\[0\]' \(TYPE_STRING\), 1/],
    ['formats', schema({ type: 'STRING', format: 'email' }), /only 'enum' and 'date-time' are supported for STRING type/],
    ['an object of nothing', declared({ type: 'OBJECT', properties: {} }), /should be non-empty for OBJECT type/],
    [
      'both ways to think',
      { contents: HELLO, generationConfig: { thinkingConfig: { thinkingBudget: 1, thinkingLevel: 'LOW' } } },
      /only set only one of/,
    ],
    ['kinds of images', { contents: [{ parts: [{ inlineData: { mimeType: 'image/gif', data: 'AAAA' } }] }] }, /Unsupported MIME type: image\/gif/],
  ])('refuses %s', async (_what, body, message) => {
    verifies('AI-11');
    const { error } = await post(body);
    expect(error).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT', message: expect.stringMatching(message) as string });
  });

  it('asks for signatures of the newest turn alone, and not of models before Gemini 3', async () => {
    verifies('AI-11');
    const round = [
      { role: 'model', parts: [{ functionCall: CALL.functionCall }] },
      { role: 'user', parts: [RESPONSE] },
    ];
    const ask = async (model: string, contents: unknown): Promise<number> => {
      const answer = await fetch(`${vendor.url}/v1beta/models/${model}:generateContent?key=test-key`, {
        method: 'POST',
        body: JSON.stringify({ contents }),
      });
      return answer.status;
    };
    expect(await ask('test-model', [...HELLO, ...round])).toBe(400);
    expect(await ask('test-model', [...HELLO, ...round, ...HELLO])).toBe(200);
    expect(await ask('early', [...HELLO, ...round])).toBe(200);
  });

  it('refuses a wrong key with 400, none with 403, and a model that does not exist', async () => {
    verifies('PV-12');
    expect((await post({ contents: HELLO }, { key: 'wrong' })).error).toMatchObject({
      code: 400,
      status: 'INVALID_ARGUMENT',
      details: [{ reason: 'API_KEY_INVALID' }, {}],
    });
    expect((await post({ contents: HELLO }, { key: null })).error).toMatchObject({ code: 403, status: 'PERMISSION_DENIED' });
    expect((await post({ contents: HELLO }, { model: 'no-such' })).error).toMatchObject({
      code: 404,
      status: 'NOT_FOUND',
      message: expect.stringMatching(/^models\/no-such is not found for API version v1beta/) as string,
    });
  });

  it("takes the vendor's own client, whole and streamed, with tools", async () => {
    verifies('AI-11');
    const client = new GoogleGenAI({ apiKey: 'test-key', vertexai: false, httpOptions: { baseUrl: vendor.url } });
    vendor.enqueue('Good morning.', { text: 'One moment.', toolCalls: [{ name: 'look_up', arguments: { id: 1 } }] });
    expect((await client.models.generateContent({ model: 'test-model', contents: 'Hi' })).text).toBe('Good morning.');
    const chunks = [];
    for await (const chunk of await client.models.generateContentStream({ model: 'test-model', contents: 'Hi' })) chunks.push(chunk);
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
    expect(parts.map(({ text = '' }) => text).join('')).toBe('One moment.');
    expect(parts.at(-1)).toMatchObject({ functionCall: { name: 'look_up', args: { id: 1 } }, thoughtSignature: expect.any(String) as string });
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason).toBe('STOP');
  });
});
