/**
 * The demo without a browser: a scripted customer talks to the help desk with the client that pages use, and what happens is
 * checked, across a lost line and a restart. It is the fastest way to see that an installation works.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RoomKitClient, textOf, type ClientRoom, type SendResult, type WireEvent } from 'roomkit/client';
import { WebSocket } from 'ws';
import { refunds } from './agents/orders.js';
import { COLLEAGUE, CUSTOMER, ROOM_ID } from './cast.js';
import { Checks, essence, PATIENCE_MS, readTimeline, soon } from './checks.js';
import { playFamilyPhone, playMerge } from './headless-people.js';
import { startProcesses } from './processes.js';
import { startServer, type RunningServer } from './server.js';
import type { SharedStorage } from './storage.js';

export interface HeadlessOptions {
  readonly file: string | undefined;
  /** In the place of a file: what processes share. */
  readonly shared: SharedStorage | undefined;
  readonly processes: number;
  readonly port: number;
  readonly print: (line: string) => void;
}

/** Plays the whole conversation; true when every check held. */
export async function playHeadless(options: HeadlessOptions): Promise<boolean> {
  const { shared, processes } = options;
  const folder = options.file === undefined && shared === undefined ? await mkdtemp(join(tmpdir(), 'roomkit-demo-')) : undefined;
  const file = options.file ?? join(folder ?? '', 'demo.db');
  const checks = new Checks(options.print);
  const start = (port: number): Promise<RunningServer> =>
    shared !== undefined && processes > 1
      ? startProcesses({ ...shared, port, processes, printsLines: false })
      : startServer({ storage: shared ?? { file }, port });
  let server = await start(options.port);
  const customer = new Customer(server);
  try {
    await customer.connected();
    options.print(`Help desk on ${server.address}, conversation in ${shared === undefined ? file : `PostgreSQL, ${processes} processes`}\n`);
    await play(server, customer, checks, options.print);

    const before = await readTimeline(server.address);
    checks.that(
      'indexes are complete, from 0 on',
      before.every((event, position) => event.index === position),
    );
    checks.that('the customer saw every visible event once, in order', isSubsequence(customer.events, before));

    await server.stop();
    server = await start(server.port);
    const after = await readTimeline(server.address);
    checks.that('after a restart the timeline is the same', JSON.stringify(after.map(essence)) === JSON.stringify(before.map(essence)));

    await customer.connected();
    const answer = await customer.say('Thank you, that is all', ({ source }) => source.channelId === 'mia');
    checks.that('and the conversation goes on in it', answer.index > (before.at(-1)?.index ?? 0));
    checks.that('with nothing doubled', new Set(customer.events.map(({ id }) => id)).size === customer.events.length);
  } catch (error) {
    checks.that(`no step failed (${error instanceof Error ? error.message : String(error)})`, false);
  } finally {
    customer.close();
    await server.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
  options.print(checks.failed === 0 ? `\nAll ${checks.total} checks held.` : `\n${checks.failed} of ${checks.total} checks failed.`);
  return checks.failed === 0;
}

async function play(server: RunningServer, customer: Customer, checks: Checks, print: (line: string) => void): Promise<void> {
  const by = (channelId: string) => (event: WireEvent) => event.source.channelId === channelId;
  customer.onEvent = (event) =>
    print(`${String(event.index).padStart(4)}  ${event.source.channelId.padEnd(5)} ${textOf(event).replaceAll(/\s+/g, ' ')}`);

  const greeting = await customer.say('Hello!', by('mia'));
  checks.that('Mia greets, word by word', customer.piecesOf(greeting) > 3);

  const figures = await customer.say('I was charged twice for order 12345, on card 4111 1111 1111 1111', by('ben'));
  checks.that('a hook took the card number out before anybody heard it', !customer.events.some((event) => textOf(event).includes('4111 1111')));
  checks.that(
    'Mia announces Ben',
    customer.events.some((event) => by('mia')(event) && textOf(event).includes('Ben')),
  );
  checks.that('Ben answers from the order, word by word', textOf(figures).includes('€49.90') && customer.piecesOf(figures) > 3);

  const before = refunds.length;
  const asked = await customer.say('Yes please', by('ben'));
  checks.that('Ben stays in charge of his case, and asks a colleague for leave', textOf(asked).includes('colleague'));
  const [approval, ...others] = await approvalsOf(server);
  checks.that('the refund waits in the list of approvals, with its arguments', others.length === 0 && approval?.arguments['number'] === '12345');
  checks.that('and nothing was paid', refunds.length === before);
  // Two colleagues at once, or one who clicks twice.
  const answers = await Promise.all([1, 2].map(() => approve(server, approval?.id ?? '')));
  const told = await customer.hears((event) => by('ben')(event) && textOf(event).includes('is on its way'), 'word of the refund');
  checks.that('one answer counts, and Ben goes on where he was', answers.sort().join() === 'already_resolved,resolved' && told.index > asked.index);
  checks.that('and the refund ran once', refunds.length === before + 1);

  const lines = await Promise.all(['One more thing', 'I ordered a lamp', 'Where is order 20817?'].map((words) => customer.send(words)));
  const ids = lines.map(({ event }) => event?.id);
  const answersAny = (event: WireEvent): boolean =>
    event.source.channelType === 'ai' && answeredBy(event).some((id) => ids.some((sent) => sent === id));
  const answer = await customer.hears(answersAny, 'an answer to three lines');
  checks.that('three quick lines get one answer, which names all of them', JSON.stringify(answeredBy(answer)) === JSON.stringify(ids));

  const { blocked } = await customer.send('You have won a cruise!');
  checks.that('spam is stopped by a hook', blocked);

  checks.that('and it is the only one', customer.events.filter(answersAny).length === 1);

  customer.loseLine();
  await customer.connected();
  checks.that('a lost line comes back by itself', true);

  await customer.say('I want to talk to a person', by('ben'));
  const alone = await customer.send('Is somebody there?');
  const back = await customer.say('Back to Mia, please', by('mia'));
  const between = customer.events.filter(({ index }) => index > (alone.event?.index ?? 0) && index < back.index);
  checks.that('with a person in charge no agent answers', between.every(by(CUSTOMER.channelId)));
  await playPhone(server, customer, checks);
  await playFamilyPhone(server, checks);
  await playMerge(server, checks);
}

/** The same customer writes a text message: it goes the vendor's whole way, and the answer comes back to phone and page. */
async function playPhone({ lines }: RunningServer, customer: Customer, checks: Checks): Promise<void> {
  const phone = lines.sms.device;
  const { failure } = await phone.write('And where is order 20817 now?');
  checks.that('a text message is taken at its signed webhook', failure === undefined);
  const asked = await customer.hears(({ source }) => source.channelId === 'sms', 'the text message');
  checks.that('the page shows it, from the same person', asked.source.participantId === CUSTOMER.participantId);
  const answer = await customer.hears(({ index, source }) => index > asked.index && source.channelType === 'ai', 'an answer to it');
  const arrived = (): boolean => phone.messages.some(({ isOwn, text }) => !isOwn && text === textOf(answer));
  await soon(arrived);
  checks.that('the answer is on the page and on the phone', arrived());
}

/** The customer's page, played by a program: the same client, on a socket that can be torn. */
class Customer {
  readonly events: WireEvent[] = [];
  onEvent: (event: WireEvent) => void = () => undefined;
  readonly #client: RoomKitClient;
  readonly #room: ClientRoom;
  /** Channel → the sizes a reply of it had while it was written. */
  readonly #writing = new Map<string, Set<number>>();
  readonly #piecesByEvent = new Map<string, number>();
  #waiting: { test: () => boolean; done: () => void }[] = [];
  #socket: WebSocket | undefined;
  #isTorn = false;

  constructor(server: RunningServer) {
    const keep = (socket: WebSocket): void => void (this.#socket = socket);
    this.#client = new RoomKitClient({
      url: server.address,
      token: () => mintToken(server.address),
      WebSocket: class extends WebSocket {
        constructor(url: string, protocol: string) {
          super(url, protocol);
          keep(this);
        }
      },
    });
    this.#room = this.#client.room(ROOM_ID);
    this.#room.on('event', (event) => this.#hear(event));
    this.#room.subscribe(() => this.#watch());
    this.#client.on('status', () => this.#look());
  }

  connected(): Promise<void> {
    return this.#until(() => !this.#isTorn && this.#room.snapshot.status === 'live', 'a connection');
  }

  send(words: string): Promise<SendResult> {
    return this.#room.send(words);
  }

  /** Sends words and waits for the first answer that is meant. */
  async say(words: string, isAnswer: (event: WireEvent) => boolean): Promise<WireEvent> {
    const { event } = await this.send(words);
    const index = event?.index ?? -1;
    return this.hears((candidate) => candidate.index > index && isAnswer(candidate), `an answer to “${words}”`);
  }

  /** Waits for the first event that is meant, unless it is there already. */
  async hears(isMeant: (event: WireEvent) => boolean, what: string): Promise<WireEvent> {
    const find = (): WireEvent | undefined => this.events.find(isMeant);
    await this.#until(() => find() !== undefined, what);
    return find() as WireEvent; // waited for just now
  }

  /** In how many pieces an event was written before our eyes. */
  piecesOf(event: WireEvent): number {
    return this.#piecesByEvent.get(event.id) ?? 0;
  }

  /** Drops the line as a failing network would; the client comes back by itself. */
  loseLine(): void {
    this.#isTorn = true;
    this.#socket?.terminate();
  }

  close(): void {
    this.#client.close();
  }

  #hear(event: WireEvent): void {
    this.events.push(event);
    this.#piecesByEvent.set(event.id, this.#writing.get(event.source.channelId)?.size ?? 0);
    this.#writing.delete(event.source.channelId);
    this.onEvent(event);
    this.#look();
  }

  #watch(): void {
    for (const { source, text } of this.#room.streams) {
      const sizes = this.#writing.get(source.channelId) ?? new Set();
      this.#writing.set(source.channelId, sizes.add(text.length));
    }
    this.#look();
  }

  #until(test: () => boolean, what: string): Promise<void> {
    if (test()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`)), PATIENCE_MS);
      this.#waiting.push({
        test,
        done: () => {
          clearTimeout(timer);
          resolve();
        },
      });
    });
  }

  #look(): void {
    if (this.#client.status !== 'open') this.#isTorn = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one.test()) one.done();
      else this.#waiting.push(one);
    }
  }
}

async function mintToken(address: string): Promise<string> {
  const response = await fetch(`${address}/api/client-tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rooms: [ROOM_ID], ...CUSTOMER }),
  });
  if (!response.ok) throw new Error(`The server gave no token (${response.status}).`);
  return ((await response.json()) as { token: string }).token;
}

interface WaitingCall {
  readonly id: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** What Ben says comes before what he waits for is in the list: over a network between the two one may look too early. */
async function approvalsOf(server: RunningServer): Promise<WaitingCall[]> {
  for (const until = Date.now() + PATIENCE_MS; ;) {
    const approvals = await listApprovals(server);
    if (approvals.length > 0 || Date.now() > until) return approvals;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function listApprovals(server: RunningServer): Promise<WaitingCall[]> {
  const response = await fetch(`${server.address}/api/approvals?roomId=${ROOM_ID}&state=pending`);
  return ((await response.json()) as { approvals: WaitingCall[] }).approvals;
}

/** Resolves to what came of it. */
async function approve(server: RunningServer, approvalId: string): Promise<string> {
  const response = await fetch(`${server.address}/api/approvals/${approvalId}/resolve`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ approve: true, by: COLLEAGUE.participantId }),
  });
  return response.ok ? ((await response.json()) as { status: string }).status : `${response.status}`;
}

/** The messages an answer is to. */
function answeredBy({ metadata, parentEventId }: WireEvent): readonly unknown[] {
  const { answers } = metadata;
  return Array.isArray(answers) ? answers : [parentEventId];
}

function isSubsequence(part: readonly WireEvent[], whole: readonly WireEvent[]): boolean {
  let position = -1;
  return part.every(({ id }) => {
    const next = whole.findIndex((event) => event.id === id);
    const follows = next > position;
    position = next;
    return follows;
  });
}
