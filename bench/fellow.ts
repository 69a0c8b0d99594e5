/** The second process of a scenario: another kit over the same servers, or another listener. Started by fellows.ts. */
import { Redis } from 'ioredis';
import pg from 'pg';
import type { RoomKit } from 'roomkit';
import { PostgresRealtime } from 'roomkit/postgres';
import { RedisRealtime } from 'roomkit/redis';
import type { FellowOrder, FellowReport } from './fellows.js';
import { openSharedKit, PlainPostgres, sayInRooms } from './shared-kit.js';

let kit: RoomKit | undefined;
let plain: PlainPostgres | undefined;
let counted = 0;
let wanted = 0;
const ending: (() => unknown)[] = [];

process.on('message', (order: FellowOrder) => {
  carryOut(order).then(
    () => tell({ done: order.do }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());

async function carryOut(order: FellowOrder): Promise<void> {
  switch (order.do) {
    case 'open_kit': {
      const send = order.hangs === true ? hang : undefined;
      const own = (kit = await openSharedKit(order.place, { leaseSeconds: order.leaseSeconds, ...(send !== undefined && { send }) }));
      ending.push(() => own.close());
      return;
    }
    case 'say':
      if (kit !== undefined) await sayInRooms(kit, order.rooms, order.each);
      return;
    case 'say_one':
      void kit?.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: 'left behind' }, { roomId: order.roomId });
      return;
    case 'open_plain': {
      const own = (plain = await PlainPostgres.open(order.place));
      ending.push(() => own.close());
      return;
    }
    case 'insert':
      await plain?.insertInRooms(order.rooms, order.each);
      return;
    case 'listen':
      await listen(order);
      return;
    case 'await':
      wanted += order.messages;
      look();
      return;
    case 'end':
      for (const end of ending) await end();
      process.disconnect();
      return;
  }
}

/** It has taken the message, and never answers. */
function hang(): Promise<never> {
  tell({ done: 'hanging' });
  return new Promise(() => undefined);
}

async function listen({ engine, place, bare, channel }: Extract<FellowOrder, { do: 'listen' }>): Promise<void> {
  if (!bare) {
    const realtime = engine === 'redis' ? new RedisRealtime({ url: place.url }) : await PostgresRealtime.open({ ...place });
    ending.push(() => realtime.close());
    await realtime.subscribe(channel, heard);
  } else if (engine === 'redis') {
    const redis = new Redis(place.url);
    ending.push(() => redis.quit());
    redis.on('message', (_channel, text) => heardText(text));
    await redis.subscribe(channel);
  } else {
    const client = new pg.Client({ connectionString: place.url });
    ending.push(() => client.end());
    client.on('notification', ({ payload = '' }) => heardText(payload));
    await client.connect();
    await client.query(`LISTEN "${channel}"`);
  }
}

function heardText(text: string): void {
  JSON.parse(text);
  heard();
}

function heard(): void {
  counted++;
  look();
}

function look(): void {
  if (wanted === 0 || counted < wanted) return;
  counted -= wanted;
  wanted = 0;
  tell({ done: 'heard' });
}

function tell(report: FellowReport): void {
  if (process.connected) process.send?.(report);
}
