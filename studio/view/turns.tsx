/** What became of each turn an event caused: what waited and why, every generation and tool, what the model was given, the end. */
import type { VNode } from 'preact';
import { channelName } from '../logic/names.js';
import { promptSummary, sharesOf } from '../logic/prompt.js';
import { milliseconds } from '../logic/time.js';
import { decisionWords, endWords, failureOf, storedWords, turnsOf, type Turn } from '../logic/turns.js';
import { money } from '../logic/waterfall.js';
import type { OpenRoom } from '../store/room.js';
import { go } from '../store/route.js';
import type { DecisionTrace, PromptTrace, TurnRow, TurnStepTrace } from '../types.js';
import { Icon } from './icons.js';
import { Section } from './parts.js';

export function Turns({ room, trace, channelId }: { room: OpenRoom; trace: DecisionTrace; channelId?: string | undefined }): VNode {
  return (
    <>
      {turnsOf(trace, channelId).map((turn) => (
        <TurnCard key={turn.turnId} room={room} turn={turn} />
      ))}
    </>
  );
}

/** What the store knows of turns whose trace another process has, or nobody any more. */
export function StoredTurns({ room, turns }: { room: OpenRoom; turns: readonly TurnRow[] }): VNode {
  return (
    <>
      {turns.map((turn) => {
        const { text, tone } = storedWords(turn);
        return (
          <Section key={turn.id} title={`Turn of ${channelName(room.names.value, turn.channelId)}`}>
            <div class="card turn">
              <p class="turn-head">
                <span class={`mark ${tone}`}>{text}</span>
              </p>
            </div>
          </Section>
        );
      })}
    </>
  );
}

function TurnCard({ room, turn }: { room: OpenRoom; turn: Turn }): VNode {
  const agent = channelName(room.names.value, turn.channelId);
  const { ms, tokens, cost, decisions, steps } = turn;
  const end = endWords(turn) ?? { text: 'under way', tone: 'quiet' };
  const all = tokens.input + tokens.output;
  return (
    <Section title={`Turn of ${agent}`}>
      <div class="card turn">
        <p class="turn-head">
          <span class={`mark ${end.tone}`}>{end.text}</span>
          <span class="figures">
            {[ms !== undefined && milliseconds(ms), all > 0 && `${all.toLocaleString()} tokens`, cost !== undefined && `cost ${money(cost)}`]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </p>
        {decisions.length > 0 && (
          <ul class="decisions">
            {decisions.map((decision, position) => {
              const { text, tone, eventId } = decisionWords(decision, agent);
              return (
                <li key={position}>
                  <span class={`words ${tone}`}>
                    {text} {eventId !== undefined && <EventButton room={room} id={eventId} />}
                  </span>
                  <small>by policy {decision.policy}</small>
                </li>
              );
            })}
          </ul>
        )}
        {steps.length > 0 && (
          <ol class="steps">
            {steps.map((step, position) => (
              <Step key={position} step={step} />
            ))}
          </ol>
        )}
      </div>
    </Section>
  );
}

/** Leads to an event of the room; one that is not in what is shown is named by its id. */
export function EventButton({ room, id }: { room: OpenRoom; id: string }): VNode {
  const event = room.event(id);
  if (event === undefined) return <code>{id}</code>;
  return (
    <button type="button" class="link" onClick={() => go({ event: event.index, inspect: 'event', subject: undefined })}>
      event {event.index}
    </button>
  );
}

function Step({ step }: { step: TurnStepTrace }): VNode {
  const failure = failureOf(step);
  const input = step.tokens?.['input_tokens'];
  const output = step.tokens?.['output_tokens'];
  const figures = [
    step.firstTokenMs !== undefined && `first token ${milliseconds(step.firstTokenMs)}`,
    (input !== undefined || output !== undefined) && `${(input ?? 0).toLocaleString()} in, ${(output ?? 0).toLocaleString()} out`,
    step.cost !== undefined && `cost ${money(step.cost)}`,
  ].filter(Boolean);
  return (
    <li data-kind={step.kind} data-failed={failure !== undefined}>
      <p class="step-head">
        <Icon name={step.kind === 'tool' ? 'tool' : 'chat'} size={13} />
        <b>{step.name}</b>
        <span class="ms">{milliseconds(step.ms)}</span>
      </p>
      {failure !== undefined && <p class="failure">{failure}</p>}
      {step.code === 'waiting' && <p class="figures">had to wait for a person</p>}
      {figures.length > 0 && <p class="figures">{figures.join(' · ')}</p>}
      {step.prompt !== undefined && <Prompt prompt={step.prompt} />}
    </li>
  );
}

function Prompt({ prompt }: { prompt: PromptTrace }): VNode {
  const shares = sharesOf(prompt);
  return (
    <details class="prompt">
      <summary>
        <span class="share-bar" aria-hidden="true">
          {shares.map(({ part, percent, label }) => (
            <i key={part} data-part={part} style={{ width: `${percent}%` }} title={label} />
          ))}
        </span>
        <span class="about">Given {promptSummary(prompt)}</span>
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Count</th>
            <th scope="col">Characters</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {shares.map(({ part, label, count, chars, percent }) => (
            <tr key={part}>
              <th scope="row">
                <i data-part={part} aria-hidden="true" />
                {label}
              </th>
              <td>{count}</td>
              <td>{chars.toLocaleString()}</td>
              <td>{percent > 0 && percent < 1 ? '< 1' : Math.round(percent)} %</td>
            </tr>
          ))}
        </tbody>
      </table>
      {prompt.tools.length > 0 && (
        <p class="offered">
          Offered{' '}
          {prompt.tools.map((name) => (
            <code key={name}>{name}</code>
          ))}
        </p>
      )}
    </details>
  );
}
