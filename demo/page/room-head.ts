/** What the room is about now: status, the way it took through its phases, who has it. */
import type { ConversationState, RoomNow } from './api.js';
import { byId, element } from './dom.js';
import { clock } from './figures.js';
import { voiceOf } from './names.js';

const LONGEST_PATH = 5;

export class RoomHead {
  readonly #title = byId('room-title', HTMLElement);
  readonly #status = byId('room-status', HTMLElement);
  readonly #path = byId('path', HTMLOListElement);
  readonly #facts = byId('facts', HTMLElement);
  readonly #partner = byId('partner', HTMLElement);

  show({ room, state }: RoomNow): void {
    this.#title.textContent = `Room ${room.id}`;
    this.#status.hidden = false;
    this.#status.textContent = room.status;
    this.#status.dataset['status'] = room.status;
    this.#facts.textContent = [
      `${state.handoffCount} handoff${state.handoffCount === 1 ? '' : 's'}`,
      `${room.eventCount} events`,
      `since ${clock(room.createdAt)}`,
    ].join(' · ');
    this.#path.replaceChildren(...pathOf(state));
    this.#partner.replaceChildren('with ', element('b', {}, isWithPerson(state) ? 'Sam Okafor' : voiceOf(state.activeAgentId ?? 'mia').name));
  }
}

export function isWithPerson(state: ConversationState): boolean {
  return (state.activeAgentId ?? null) === null && state.context['handled_by'] === 'human';
}

function pathOf(state: ConversationState): HTMLElement[] {
  const stations = state.phaseHistory.map(({ fromPhase, fromAgent }) => label(fromPhase, fromAgent));
  const shown = stations.slice(-(LONGEST_PATH - 1));
  const now = element(
    'li',
    { 'aria-current': 'step', class: isWithPerson(state) ? 'person' : undefined },
    isWithPerson(state) ? `${state.phase} · a person` : label(state.phase, state.activeAgentId),
  );
  const arrow = (): HTMLElement => element('li', { class: 'arrow', 'aria-hidden': 'true' }, '→');
  return [
    ...(stations.length > shown.length ? [element('li', { class: 'arrow' }, `${stations.length - shown.length} before`), arrow()] : []),
    ...shown.flatMap((station) => [element('li', {}, station), arrow()]),
    now,
  ];
}

function label(phase: string, agentId: string | null | undefined): string {
  return agentId ? `${phase} · ${voiceOf(agentId).name}` : phase;
}
