/** Everything of one run: the processes and what is outside of them, the people who write, and what went wrong. */
import type { RoomKit, RoomKitOptions } from '../../core/index.js';
import { silentLogger } from '../../core/logger.js';
import type { IdGenerator } from '../../core/ids.js';
import type { Fault, FaultKind, MetFault } from './faults.js';
import { SimulatedLeases, simulatedLocks } from './locks.js';
import { SimulatedModel, type SimulatedModelOptions } from './model.js';
import { SimulatedClient } from './clients.js';
import { People } from './people.js';
import { SimulatedProcess, type Surroundings } from './process.js';
import type { SeededRandom } from './random.js';
import { SimulatedBroker, SimulatedRealtime } from './realtime.js';
import { Stage } from './stage.js';
import { SimulatedDatabase, simulatedStore } from './store.js';
import { SimulatedVendor } from './vendor.js';

/** What is tried: how a process is made, and what happens. */
export interface Scenario {
  readonly name: string;
  /** About how many calls its busy part makes on one process: faults are drawn among so many, and 40 for each further process. Default 130. */
  readonly calls?: number;
  /** Makes the kit of a process that starts, with its channels, hooks and agents; called again after a crash. */
  start(process: ProcessParts): RoomKit;
  /** Before anything goes wrong: rooms and bindings, on a kit that works at once. */
  prepare(kit: RoomKit, world: World): Promise<void>;
  /** What people do. Called once. */
  play(world: World): void;
  /** What else has to hold in the end: throws, or returns what is wrong. */
  judge?(world: World): readonly string[] | Promise<readonly string[]>;
}

/** What a scenario makes a kit of. */
export interface ProcessParts {
  readonly world: World;
  readonly process: SimulatedProcess;
  /** Give these to `new RoomKit`, with what you have of your own. */
  readonly options: RoomKitOptions;
}

/** Other parts than the ordinary ones: broken ones, to see that they are found out. */
export interface Variant {
  /** In the place of the database. */
  readonly database?: (stage: Stage) => SimulatedDatabase;
  /** In the place of the locks. */
  readonly leases?: (stage: Stage) => SimulatedLeases;
}

/** One process that runs, with its kit. */
export interface Running {
  readonly process: SimulatedProcess;
  readonly kit: RoomKit;
}

const LEASE_SECONDS = 10;
/** How long the host waits for what it wants. */
const HOST_PATIENCE_MS = 20_000;
/** How soon a process that died is there again. */
const RESTART_MS = [200, 15_000] as const;

/** One run. */
export class World implements Surroundings {
  readonly stage = new Stage();
  readonly database: SimulatedDatabase;
  readonly leases: SimulatedLeases;
  readonly broker = new SimulatedBroker();
  readonly people: People;
  readonly clients: SimulatedClient[] = [];
  readonly vendors = new Map<string, SimulatedVendor>();
  readonly models = new Map<string, SimulatedModel>();
  readonly met: MetFault[] = [];
  /** Calls of each step, failed ones included. */
  readonly steps = new Map<string, number>();
  readonly #faults: ReadonlyMap<number, FaultKind>;
  readonly #running = new Map<string, Running>();
  #calls = 0;
  #ids = 0;
  #asked = 0;
  #isCalm = true;

  constructor(
    readonly scenario: Scenario,
    readonly random: SeededRandom,
    faults: readonly Fault[],
    private readonly processes: number,
    variant: Variant = {},
  ) {
    this.database = variant.database?.(this.stage) ?? new SimulatedDatabase(this.stage);
    this.leases = variant.leases?.(this.stage) ?? new SimulatedLeases(this.stage);
    this.#faults = new Map(faults.map(({ call, kind }) => [call, kind]));
    this.people = new People(this, random.fork());
  }

  /** Calls that may meet a fault, so far. */
  get calls(): number {
    return this.#calls;
  }

  /** The processes that run now, in the order of their names. */
  get running(): readonly Running[] {
    return [...this.#running.values()].sort((a, b) => (a.process.name < b.process.name ? -1 : 1));
  }

  /** A vendor of this name, the same for all processes. */
  vendor(name: string, options: { recognisesKeys?: boolean } = {}): SimulatedVendor {
    let vendor = this.vendors.get(name);
    if (vendor === undefined) this.vendors.set(name, (vendor = new SimulatedVendor(name, { recognisesKeys: options.recognisesKeys ?? true })));
    return vendor;
  }

  /** A model of this name, the same for all processes. */
  model(name: string, options: SimulatedModelOptions = {}): SimulatedModel {
    let model = this.models.get(name);
    if (model === undefined) this.models.set(name, (model = new SimulatedModel(name, options)));
    return model;
  }

  /** Something that the host does on any process, after so many milliseconds; again until a process says that it is done. */
  host(afterMs: number, act: (kit: RoomKit) => Promise<unknown>): void {
    this.#asked++;
    let isDone = false;
    const again = (): void => void this.stage.after(this.random.between(500, 5000), attempt);
    const attempt = (): void => {
      if (isDone) return;
      const running = this.random.pick(this.running);
      if (running === undefined) return again();
      const { process, kit } = running;
      const timer = this.stage.after(HOST_PATIENCE_MS, attempt);
      const done = (): void => {
        if (isDone || !process.isAlive) return;
        isDone = true;
        timer.cancel();
        this.#asked--;
      };
      const failed = (): void => {
        timer.cancel();
        again();
      };
      process.arrive(() => void act(kit).then(done, failed));
    };
    this.stage.after(afterMs, attempt);
  }

  /** Whether all that the host wanted is done. */
  get isHostDone(): boolean {
    return this.#asked === 0;
  }

  /** Somebody at a socket, who hears a room over a channel of sockets. */
  client(channelId: string, roomId: string): SimulatedClient {
    const client = new SimulatedClient(this, this.random.fork(), `client-${this.clients.length + 1}`, channelId, roomId);
    this.clients.push(client);
    client.connect();
    return client;
  }

  /** Starts everything, without a fault; then faults begin. */
  async begin(): Promise<void> {
    for (let n = 1; n <= this.processes; n++) this.#start(`p${n}`);
    const [first] = this.running;
    if (first === undefined) throw new Error('A run has at least one process.');
    let prepared: 'yes' | Error | undefined;
    this.scenario.prepare(first.kit, this).then(
      () => (prepared = 'yes'),
      (error: unknown) => (prepared = error instanceof Error ? error : new Error(String(error))),
    );
    const isReady = await this.stage.until(() => prepared !== undefined, 60_000);
    if (prepared instanceof Error) throw prepared;
    if (!isReady) throw new Error('The scenario was not prepared within a minute of its own time.');
    this.#isCalm = false;
    this.scenario.play(this);
  }

  /** No more faults; what died is started again. */
  calm(): void {
    this.#isCalm = true;
    for (const { process } of this.running) process.reconnect();
  }

  /** Ends all processes as they should end. Whether they have ended in time; throws what a kit throws. */
  async end(): Promise<boolean> {
    let closed: true | Error | undefined;
    Promise.all(this.running.map(({ kit }) => kit.close())).then(
      () => (closed = true),
      (error: unknown) => (closed = error instanceof Error ? error : new Error(String(error))),
    );
    const isClosed = await this.stage.until(() => closed !== undefined, 120_000);
    if (closed instanceof Error) throw closed;
    return isClosed;
  }

  // --- what processes ask of it --------------------------------------------------------------------------------------

  nextFault(step: string): Fault | undefined {
    this.steps.set(step, (this.steps.get(step) ?? 0) + 1);
    if (this.#isCalm) return undefined;
    const call = this.#calls++;
    const kind = this.#faults.get(call);
    return kind === undefined ? undefined : { call, kind };
  }

  /** A fault has met its call. */
  noteFault(fault: MetFault): void {
    this.met.push(fault);
  }

  died(process: SimulatedProcess): void {
    this.#running.delete(process.name);
    for (const client of this.clients) this.stage.after(1, () => client.left(process));
    this.stage.after(this.random.between(...RESTART_MS), () => this.#start(process.name));
  }

  #start(name: string): void {
    const process = new SimulatedProcess(name, this);
    const ids = this.#idsOf();
    const options: RoomKitOptions = {
      store: simulatedStore(process, this.database),
      lockManager: simulatedLocks(process, this.leases, LEASE_SECONDS),
      realtime: new SimulatedRealtime(process, this.broker, ids),
      clock: process,
      ids,
      logger: silentLogger,
      leaseSeconds: LEASE_SECONDS,
      random: () => this.random.next(),
    };
    const kit = this.scenario.start({ world: this, process, options });
    this.#running.set(name, { process, kit });
  }

  #idsOf(): IdGenerator {
    return {
      next: () => `i${String(++this.#ids).padStart(6, '0')}`,
      nextEvent: () => `e${String(++this.#ids).padStart(6, '0')}`,
    };
  }
}
