/** The loop with approvals, as a property: whatever is asked for, allowed and refused, each call gets one result, and nothing is left behind. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AIContext, AIContextPart, AIToolCall, ScriptedReply } from '../../src/index.js';
import { approvals } from '../support/approval-scene.js';
import { verifies } from '../requirements.js';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 1) * 60;
const given = process.env['PROPERTY_SEED'];
const seed = given === undefined ? 48 : given === 'random' ? Math.trunc(performance.now() * 1000) : Number(given);

const call = fc.record({
  tool: fc.constantFrom('refund', 'refund', 'look', 'unknown'),
  amount: fc.constantFrom(1, 2, 3, 50),
  isWrong: fc.boolean().map((wrong) => wrong),
});
const decision = fc.constantFrom('approve', 'approve', 'change', 'reject', 'leave', 'message');
const plan = fc.record({
  rounds: fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  decisions: fc.array(decision, { minLength: 12, maxLength: 12 }),
  streaming: fc.boolean(),
  parallelTools: fc.boolean(),
  fails: fc.boolean(),
});

const partsOf = ({ messages }: AIContext, role: 'assistant' | 'tool'): AIContextPart[] =>
  messages.flatMap((message) => (message.role === role && typeof message.content !== 'string' ? message.content : []));

describe('a loop whose calls wait for people', () => {
  it('gives each call one result, ends with a reason, and leaves nothing behind', { timeout: 120_000 }, async () => {
    verifies('APR-01', 'APR-02', 'APR-03', 'APR-04', 'TL-03', 'INV-08');
    await fc.assert(
      fc.asyncProperty(plan, async ({ rounds, decisions, streaming, parallelTools, fails }) => {
        let asked = 0;
        let number = 0;
        let final: AIContext | undefined;
        const responder = (context: AIContext): ScriptedReply => {
          const isOurs = context.messages.some(({ content }) => content === 'refund me');
          const isNews = context.messages.at(-1)?.content === 'news';
          if (!isOurs || isNews) return 'Fine.';
          const round = rounds[asked++];
          if (round === undefined) {
            final = context;
            return 'That is all.';
          }
          const toolCalls: AIToolCall[] = round.map(({ tool, amount, isWrong }) => ({
            id: `c${++number}`,
            name: tool,
            arguments: isWrong && amount === 3 ? { amount } : { order: `o${number}`, amount },
          }));
          return { content: asked === 1 ? 'One moment.' : '', toolCalls };
        };
        const ran: number[] = [];
        const scene = await approvals({
          calls: [],
          responder,
          streaming,
          agent: { parallelTools },
          tool: {
            requiresApproval: ({ amount }) => amount !== 1,
            approvalExpiresInSeconds: 60,
            handler: ({ amount }) => {
              ran.push(Number(amount));
              if (fails && amount === 2) throw new Error('no');
              return 'refunded';
            },
          },
        });
        await scene.say('refund me');
        const allowed: number[] = [];
        for (const next of decisions) {
          const [approval] = await scene.kit.listApprovals({ state: 'pending' });
          if (approval === undefined) break;
          if (next === 'message') await scene.say('news');
          else if (next === 'leave') await scene.clock.advance(61_000);
          else {
            const args = { order: 'changed', amount: 7 };
            const { status } = await scene.answer(approval, { approve: next !== 'reject', ...(next === 'change' && { arguments: args }) });
            expect(status).toBe('resolved');
            if (next !== 'reject') allowed.push(next === 'change' ? 7 : Number(approval.arguments['amount']));
          }
        }
        await scene.clock.advance(61_000 * 4);
        const turns = await scene.turns();
        const [turn] = turns;
        expect([turn?.state, turn?.endReason]).toEqual(['committed', 'completed']);
        expect(turns.filter(({ state }) => state !== 'committed')).toEqual([]);
        expect(await scene.kit.listApprovals({ state: 'pending' })).toEqual([]);
        // Each call has exactly one result, in the order of the calls.
        const calls = final === undefined ? [] : partsOf(final, 'assistant').flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
        const results = final === undefined ? [] : partsOf(final, 'tool').flatMap((part) => (part.type === 'tool_result' ? [part.toolCallId] : []));
        expect(results).toEqual(calls);
        expect(calls).toHaveLength(number);
        // What needs leave ran only with it, once, as it was allowed.
        expect(ran.filter((amount) => amount !== 1).sort()).toEqual([...allowed].sort());
        const generations = rounds.length + 1;
        expect(turn?.usage).toEqual({ input_tokens: 10 * generations, output_tokens: 5 * generations });
        expect(scene.kit.stats()).toMatchObject({ tasks: 0, queued: 0 });
        await scene.close();
        expect(scene.clock.pendingTimers).toBe(0);
      }),
      { seed, numRuns: runs },
    );
  });
});
