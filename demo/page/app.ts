/**
 * The demo's page: the customer's chat beside the room's timeline. The chat is an ordinary client with a client token;
 * the timeline is a host's view, which the server grants to pages of its own machine.
 */
import { WireClient, type LineState, type WireEvent, type WireSocket } from '../wire-client.js';
import { mintToken, PAGE, readNewest, readRoom, readTrace } from './api.js';
import { Chat } from './chat.js';
import { byId, element } from './dom.js';
import { isWithPerson, RoomHead } from './room-head.js';
import { Timeline } from './timeline.js';

const ROOM = 'help-desk';
const CUSTOMER = { channelId: 'web', participantId: 'ada', displayName: 'Ada Park' };
const COLLEAGUE = { channelId: 'desk', participantId: 'sam', displayName: 'Sam Okafor' };
const THINGS_TO_TRY = [
  'Hello!',
  'I was charged twice for order 12345',
  'My router is broken',
  'Where is order 20817?',
  'My card is 4111 1111 1111 1111',
  'I want to talk to a person',
];

const chat = new Chat(CUSTOMER);
const timeline = new Timeline(CUSTOMER.channelId);
const head = new RoomHead();
const lineLabel = byId('line', HTMLElement);
const banner = byId('banner', HTMLElement);
const bannerText = byId('banner-text', HTMLElement);
const composer = byId('compose', HTMLFormElement);
const message = byId('message', HTMLTextAreaElement);
const desk = byId('desk', HTMLElement);
const deskForm = byId('desk-form', HTMLFormElement);
const deskMessage = byId('desk-message', HTMLInputElement);

/** Tokens are asked for again when the server does not know the old one any more. */
const tokenFor = (who: typeof CUSTOMER) => () => mintToken(ROOM, who.channelId, who.participantId, who.displayName);

const setTimer = (ms: number, run: () => void): (() => void) => {
  const timer = window.setTimeout(run, ms);
  return () => window.clearTimeout(timer);
};

const customer = new WireClient(
  { roomId: ROOM, open: openSocket, token: tokenFor(CUSTOMER), readNewest: earlierBy('chat-earlier', chat, tokenFor(CUSTOMER)), setTimer },
  {
    onEvent: (event) => chat.add(event),
    onEventChanged: (event) => chat.change(event),
    onEventRemoved: (id) => chat.remove(id),
    onStream: (stream) => {
      chat.stream(stream);
      timeline.stream(stream);
    },
    onStreamEnd: (id, withdrawn) => {
      chat.streamEnd(id, withdrawn);
      timeline.streamEnd(id);
    },
    onTyping: (user, on) => chat.typing(user, on),
    onResync: () => chat.clear(),
    onLine: showLine,
  },
);

const host = new WireClient(
  { roomId: ROOM, open: openSocket, readNewest: earlierBy('room-earlier', timeline), watchRooms: true, setTimer },
  {
    onEvent: (event) => {
      timeline.add(event);
      askWhy(event);
      refreshRoom();
    },
    onEventChanged: (event) => timeline.change(event),
    onEventRemoved: (id) => timeline.remove(id),
    onRoom: (room) => room.id === ROOM && refreshRoom(),
    onResync: () => timeline.clear(),
  },
);

/** Reads the newest events, and lets a button above them bring what came before. */
function earlierBy(
  buttonId: string,
  view: { readonly first: number | undefined; addEarlier(events: readonly WireEvent[]): void },
  token?: () => Promise<string>,
): () => Promise<WireEvent[]> {
  const button = byId(buttonId, HTMLButtonElement);
  const read = async (beforeIndex?: number): Promise<WireEvent[]> => {
    const events = await readNewest(ROOM, await token?.(), beforeIndex);
    button.hidden = events.length < PAGE;
    return events;
  };
  button.addEventListener('click', () => {
    button.disabled = true;
    read(view.first)
      .then(
        (events) => view.addEarlier(events),
        () => undefined, // the banner says that the server is away
      )
      .finally(() => (button.disabled = false));
  });
  return () => read();
}

let colleague: WireClient | undefined;

window.addEventListener('online', () => [customer, host].forEach((client) => client.retryNow()));
byId('retry', HTMLButtonElement).addEventListener('click', () => [customer, host].forEach((client) => client.retryNow()));

composer.addEventListener('submit', (submit) => {
  submit.preventDefault();
  const body = message.value.trim();
  if (body === '') return;
  message.value = '';
  fitMessage();
  sayAsCustomer(body);
});
message.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});
let typedAt = 0;
message.addEventListener('input', () => {
  fitMessage();
  if (performance.now() - typedAt < 3000) return;
  typedAt = performance.now();
  customer.typing(true);
});

byId('suggestions', HTMLElement).append(
  ...THINGS_TO_TRY.map((words) => {
    const button = element('button', { type: 'button' }, words);
    button.addEventListener('click', () => {
      sayAsCustomer(words);
      message.focus();
    });
    return button;
  }),
);

deskForm.addEventListener('submit', (submit) => {
  submit.preventDefault();
  const body = deskMessage.value.trim();
  if (body === '') return;
  deskMessage.value = '';
  sayAsColleague(body);
});
byId('hand-back', HTMLButtonElement).addEventListener('click', () => sayAsColleague('Mia takes over again.'));

byId('as-customer', HTMLInputElement).addEventListener('change', (change) => {
  timeline.filter((change.target as HTMLInputElement).checked); // the listener's own element
});

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-show]')) {
  button.addEventListener('click', () => {
    document.body.dataset['view'] = button.dataset['show'];
    for (const other of document.querySelectorAll('[data-show]')) other.setAttribute('aria-pressed', String(other === button));
  });
}

function sayAsCustomer(body: string): void {
  typedAt = 0;
  void customer.send(body).then(chat.sending(body));
}

function sayAsColleague(body: string): void {
  colleague ??= startColleague();
  void colleague.send(body);
}

function startColleague(): WireClient {
  const client = new WireClient({ roomId: ROOM, open: openSocket, token: tokenFor(COLLEAGUE), setTimer }, { onEvent: () => undefined });
  client.start();
  return client;
}

function openSocket(): WireSocket {
  const url = new URL('/ws', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  // The browser's socket has everything that is used; its handlers merely take more specific events.
  return new WebSocket(url, 'roomkit.v1') as unknown as WireSocket;
}

let countdown: number | undefined;

function showLine(state: LineState): void {
  lineLabel.dataset['state'] = state.name;
  window.clearInterval(countdown);
  switch (state.name) {
    case 'online':
      lineLabel.textContent = 'live';
      banner.hidden = true;
      chat.ready();
      return;
    case 'connecting':
      lineLabel.textContent = 'connecting';
      return;
    case 'waiting': {
      lineLabel.textContent = 'offline';
      banner.hidden = false;
      const until = performance.now() + state.retryInMs;
      const tell = (): void => {
        bannerText.textContent = `Connection lost. Trying again in ${Math.max(1, Math.ceil((until - performance.now()) / 1000))} s; nothing is lost.`;
      };
      tell();
      countdown = window.setInterval(tell, 1000);
      return;
    }
    case 'refused':
      lineLabel.textContent = 'refused';
      banner.hidden = false;
      bannerText.textContent = `The server refused the connection (${state.reason}). Reload the page to begin anew.`;
  }
}

/** Reads why an event and its cause became what they are: soon after it came, and when its deliveries have had time to end. */
function askWhy(event: WireEvent): void {
  if (event.content.type === 'system') return; // nothing is decided about what the kit itself notes
  for (const ms of [150, 1500]) {
    window.setTimeout(() => {
      if (event.parentEventId !== undefined) ask(event.parentEventId);
      ask(event.id);
    }, ms);
  }
}

const MOST_QUESTIONS = 60;
const questions: string[] = [];
let asking = false;

/**
 * One question at a time, the newest events first; of a long history only the newest are asked about. The server forgets
 * what was decided when it stops: where its memory ends, older events are not asked about.
 */
function ask(eventId: string): void {
  if (!questions.includes(eventId)) questions.push(eventId);
  if (questions.length > MOST_QUESTIONS) questions.shift();
  if (asking) return;
  asking = true;
  void (async () => {
    for (let id = questions.pop(); id !== undefined; id = questions.pop()) {
      const trace = await readTrace(ROOM, id);
      if (trace === null) questions.length = 0;
      else timeline.explain(id, trace);
    }
    asking = false;
  })();
}

let roomIsStale = false;

/** The room changes with nearly every event; one look for all changes of a moment. */
function refreshRoom(): void {
  if (roomIsStale) return;
  roomIsStale = true;
  window.setTimeout(() => {
    roomIsStale = false;
    void readRoom(ROOM).then(
      (now) => {
        head.show(now);
        desk.hidden = !isWithPerson(now.state);
      },
      () => undefined,
    ); // without the server the banner says what there is to say
  }, 80);
}

/** The message box grows with what is in it. */
function fitMessage(): void {
  message.style.height = 'auto';
  message.style.height = `${Math.min(message.scrollHeight + 2, 132)}px`;
}

customer.start();
host.start();
