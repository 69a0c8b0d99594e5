/** Misspelled options. */
import { describe, expect, it } from 'vitest';
import { Agent } from '../src/ai/index.js';
import { createHandler, serve } from '../src/server/index.js';
import { verifies } from './requirements.js';
import { RoomKit, silentLogger } from '../src/core/index.js';
import { checkOptionNames } from '../src/core/option-names.js';

describe('an option that does not exist', () => {
  it('is refused wherever something is made with options, with the name that was meant', async () => {
    verifies('KIT-07');
    expect(() => new RoomKit({ traceEvent: 5 } as never)).toThrow("new RoomKit has no option 'traceEvent'. Did you mean 'traceEvents'?");
    const kit = new RoomKit({ logger: silentLogger });
    expect(() => kit.hook('before_broadcast', { nmae: 'x' } as never, () => undefined as never)).toThrow(/'nmae'. Did you mean 'name'\?/);
    await expect(kit.createRoom({ roomID: 'lobby' } as never)).rejects.toThrow("createRoom has no option 'roomID'. Did you mean 'roomId'?");
    expect(await kit.listRooms()).toEqual([]);
    await kit.createRoom({ roomId: 'lobby' });
    kit.registerChannel(new Agent('helper'));
    await expect(kit.attachChannel('lobby', 'helper', { acess: 'none' } as never)).rejects.toThrow(/attachChannel has no option 'acess'/);
    expect(await kit.listBindings('lobby')).toEqual([]);
    expect(() => new Agent('other', { provder: undefined } as never)).toThrow("new Agent has no option 'provder'. Did you mean 'provider'?");
    await expect(serve(kit, { prt: 4170 } as never)).rejects.toThrow("serve has no option 'prt'. Did you mean 'port'?");
    expect(() => createHandler(kit, { origin: [] } as never)).toThrow("createHandler has no option 'origin'. Did you mean 'origins'?");
    await kit.close();
  });

  it('is answered with all there are when none is near', () => {
    verifies('KIT-07');
    const of = (name: string) => () => checkOptionNames('it', { [name]: 1 }, { port: true, host: true, origins: true });
    expect(of('colour')).toThrow("it has no option 'colour'. There are host, origins, port.");
    for (const [wrong, meant] of Object.entries({ prot: 'port', hsot: 'host', ports: 'port', ORIGINS: 'origins', orgin: 'origins' }))
      expect(of(wrong), wrong).toThrow(`Did you mean '${meant}'?`);
    for (const name of ['port', 'host', 'origins']) expect(of(name)).not.toThrow();
    expect(of('toString')).toThrow(/no option/);
  });
});
