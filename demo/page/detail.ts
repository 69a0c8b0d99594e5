/** What lies behind one event: its place, who was meant, and where the time went. */
import type { WireEvent } from '../wire-client.js';
import type { Trace } from './api.js';
import { element } from './dom.js';
import { milliseconds } from './figures.js';
import { voiceOf } from './names.js';

export function explain(event: WireEvent, trace: Trace | null): HTMLElement {
  return element(
    'div',
    { class: 'detail' },
    element('dl', {}, ...facts(event, trace).flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])),
    ...(trace === null
      ? [element('h3', {}, 'Decided before this server started: the figures are gone, the event is not.')]
      : [element('h3', {}, 'Where the time went'), bars(trace)]),
  );
}

function facts(event: WireEvent, trace: Trace | null): [string, string][] {
  const facts: [string, string][] = [
    [
      'source',
      `${event.source.channelId} (${event.source.channelType})${event.source.participantId === undefined ? '' : ` · ${event.source.participantId}`}`,
    ],
    ['status', event.status + (event.blockedBy === undefined ? '' : `, by ${event.blockedBy}`)],
    ['visibility', event.visibility],
    ['chain depth', String(event.chainDepth)],
  ];
  const decided = trace?.hooks.map(({ hook, verdict }) => `${hook}: ${verdict}`).join(', ');
  if (decided) facts.push(['hooks', decided]);
  const targets = trace?.targets.map(({ channelId, decision }) => `${voiceOf(channelId).name}: ${decision.replaceAll('_', ' ')}`).join(', ');
  if (targets) facts.push(['targets', targets]);
  const language = event.metadata['ai_usage'];
  if (typeof language === 'object' && language !== null) {
    facts.push([
      'tokens',
      Object.entries(language)
        .map(([kind, count]) => `${kind.replace('_tokens', '')} ${String(count)}`)
        .join(', '),
    ]);
  }
  facts.push(['event', event.id]);
  return facts;
}

interface Bar {
  readonly name: string;
  readonly kind: 'step' | 'hook' | 'generation' | 'tool' | 'delivery';
  readonly from: number;
  readonly ms: number;
}

function bars(trace: Trace): HTMLElement {
  const began = Date.parse(trace.startedAt);
  const after = (iso: string): number => Math.max(0, Date.parse(iso) - began);
  const all: Bar[] = [{ name: 'until committed', kind: 'step', from: 0, ms: trace.commitMs }];
  if (trace.lockWaitMs >= 0.1) all.push({ name: 'waiting for the lock', kind: 'step', from: 0, ms: trace.lockWaitMs });
  let at = trace.lockWaitMs;
  for (const { hook, ms } of trace.hooks) {
    all.push({ name: hook, kind: 'hook', from: at, ms });
    at += ms;
  }
  for (const { kind, name, startedAt, ms, channelId } of trace.turnSteps) {
    all.push({ name: kind === 'tool' ? name : `${voiceOf(channelId).name} thinks`, kind, from: after(startedAt), ms });
  }
  for (const { channelId, startedAt, ms } of trace.deliveries) {
    all.push({ name: `to ${voiceOf(channelId).via}`, kind: 'delivery', from: after(startedAt), ms });
  }
  const end = Math.max(1, ...all.map(({ from, ms }) => from + ms));
  return element(
    'div',
    { class: 'bars' },
    ...all.flatMap(({ name, kind, from, ms }) => [
      element('span', { title: name }, name),
      element(
        'div',
        { class: 'bar' },
        element('i', { class: kind, style: `left: ${Math.min(99, (from / end) * 100)}%; width: ${Math.min(100, (ms / end) * 100)}%` }),
      ),
      element('span', {}, milliseconds(ms)),
    ]),
  );
}
