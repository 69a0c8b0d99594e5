/**
 * The demo's page: the customer's chat, built on `roomkit/client` with a client token as any shop's page would be, beside
 * Studio, which shows the same room to its developer.
 */
import { RoomKitClient, type Connection, type RoomSnapshot } from 'roomkit/client';
import { COLLEAGUE, CUSTOMER, knownName, ROOM_ID } from '../cast.js';
import { Chat } from './chat.js';
import { byId, element } from './dom.js';

const THINGS_TO_TRY = [
  'Hello!',
  'I was charged twice for order 12345',
  'My router is broken',
  'Where is order 20817?',
  'My card is 4111 1111 1111 1111',
  'You have won a cruise!',
  'I want to talk to a person',
];

const client = new RoomKitClient({
  token: () => tokenFor(CUSTOMER),
  storage: sessionStorage, // what waits to be sent survives a reload
  pageSize: 200,
});
/** An application knows who asks and makes the token itself. On your own machine a page may ask for one. */
async function tokenFor(person: typeof CUSTOMER): Promise<string> {
  const body = JSON.stringify({ rooms: [ROOM_ID], ...person });
  const response = await fetch('/api/client-tokens', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!response.ok) throw new Error(`The server gave no token (${response.status}).`);
  return ((await response.json()) as { token: string }).token;
}

const room = client.room(ROOM_ID);
const chat = new Chat(room);

/** Without a token it is the host, whom the server knows by this machine's address: it says who has the conversation. */
const host = new RoomKitClient();
const hostRoom = host.room(ROOM_ID);

const studio = byId('studio', HTMLIFrameElement);
const composer = byId('compose', HTMLFormElement);
const message = byId('message', HTMLTextAreaElement);

// --- speaking ----------------------------------------------------------------------------------------------------------

function say(words: string): void {
  // A refusal is shown with the message; without a connection it waits.
  room.send(words).catch(() => undefined);
  chat.toEnd();
}

composer.addEventListener('submit', (submit) => {
  submit.preventDefault();
  const words = message.value.trim();
  if (words === '') return;
  message.value = '';
  say(words);
});
message.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});
message.addEventListener('input', () => room.typing());

byId('suggestions', HTMLElement).append(
  ...THINGS_TO_TRY.map((words) => {
    const button = element('button', { type: 'button' }, words);
    button.addEventListener('click', () => say(words));
    return button;
  }),
);

// --- the connection ----------------------------------------------------------------------------------------------------

const line = byId('line', HTMLElement);
const banner = byId('banner', HTMLElement);
const bannerText = byId('banner-text', HTMLElement);

byId('retry', HTMLButtonElement).addEventListener('click', () => void client.connect().catch(() => undefined)); // the banner goes on telling
client.on('status', showConnection);
setInterval(() => showConnection(client.connection), 1000);

function showConnection({ status, error, retryAt }: Connection): void {
  const words = { idle: 'connecting', connecting: 'connecting', open: 'live', reconnecting: 'offline', closed: 'refused' }[status];
  if (line.textContent !== words) line.textContent = words;
  line.dataset['state'] = words;
  banner.hidden = status !== 'reconnecting' && status !== 'closed';
  const seconds = Math.max(1, Math.ceil(((retryAt ?? Date.now()) - Date.now()) / 1000));
  bannerText.textContent =
    status === 'closed'
      ? `The server refused the connection: ${error?.message ?? 'no reason given'}`
      : `Connection lost. Trying again in ${seconds} s; nothing is lost.`;
}

// --- who has the conversation --------------------------------------------------------------------------------------------

const partner = byId('partner', HTMLElement);
const person = byId('person', HTMLElement);
const personWrong = byId('person-wrong', HTMLElement);

hostRoom.subscribe(() => showPartner(hostRoom.snapshot));

function showPartner({ info }: RoomSnapshot): void {
  const state = info?.state;
  if (state === undefined) return;
  const isWithPerson = state.activeAgentId == null && state.context['handled_by'] === 'human';
  const name = isWithPerson ? COLLEAGUE.displayName : knownName(state.activeAgentId ?? '');
  partner.replaceChildren(...(name === undefined ? ['a customer of the help desk'] : ['a customer, with ', element('b', {}, name)]));
  if (person.hidden === isWithPerson) {
    person.hidden = !isWithPerson;
    personWrong.hidden = true;
  }
}

byId('answer-as-sam', HTMLButtonElement).addEventListener('click', () => {
  // Studio's address says which of its devices is open.
  if (studio.contentWindow !== null)
    studio.contentWindow.location.hash = `#/rooms/${ROOM_ID}?device=${COLLEAGUE.channelId}/${COLLEAGUE.participantId}`;
  show('studio');
});

/** Sam himself says that he is done; the help desk understands him. */
let colleague: RoomKitClient | undefined;

byId('hand-back', HTMLButtonElement).addEventListener('click', () => {
  colleague ??= new RoomKitClient({ token: () => tokenFor(COLLEAGUE) });
  colleague
    .room(ROOM_ID)
    .send('Mia takes over again.')
    .catch((error: unknown) => {
      personWrong.hidden = false;
      personWrong.textContent = error instanceof Error ? error.message : String(error);
    });
});

// --- narrow screens show one of the two ------------------------------------------------------------------------------------

const views = [...document.querySelectorAll<HTMLButtonElement>('[data-show]')];

function show(view: string): void {
  document.body.dataset['view'] = view;
  for (const button of views) button.setAttribute('aria-pressed', String(button.dataset['show'] === view));
}

for (const button of views) button.addEventListener('click', () => show(button.dataset['show'] ?? 'chat'));
