/** A bot of Teams in a room with a web chat, here in front of an emulator that speaks Microsoft's protocols. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
// #region emulator
import { TeamsEmulator } from 'roomkit/emulators';
// #endregion
// #region channel
import { createWebhookHandler, RoomKit, TeamsChannel, WebSocketChannel } from 'roomkit';
import { BotFrameworkTeamsProvider } from 'roomkit/teams';
// #endregion

// #region emulator
// In the place of Microsoft: servers on loopback that refuse what Microsoft refuses, and call your webhook as Teams does.
await using microsoft = await TeamsEmulator.start();
// #endregion

// #region channel
const provider = new BotFrameworkTeamsProvider({
  appId: microsoft.appId, // without these: TEAMS_APP_ID, TEAMS_APP_PASSWORD
  appPassword: microsoft.appPassword, // and TEAMS_TENANT_ID of the environment
  tenantId: microsoft.tenantId,
  loginUrl: microsoft.url, // without these three: Microsoft
  openIdUrl: microsoft.openIdUrl,
  allowedServiceHosts: [microsoft.serviceHost],
});
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new TeamsChannel('teams', { provider }));
const webhook = createWebhookHandler({ kit, provider, channelId: 'teams' });
// #endregion

const server = createServer((incoming, outgoing) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = incoming.method === 'POST' ? { body: new Uint8Array(Buffer.concat(chunks)) } : {};
    const init = { method: incoming.method ?? 'GET', headers: incoming.headers as Record<string, string>, ...body };
    const response = await webhook(new Request(`http://localhost${incoming.url ?? ''}`, init));
    outgoing.writeHead(response.status).end(Buffer.from(await response.arrayBuffer()));
  })();
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
await once(server, 'listening');

// #region conversation
microsoft.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/teams`;

const ada = microsoft.conversation('Ada');
await ada.write('My parcel is not here.'); // the first message makes a room
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'web');

const question = { type: 'rich', body: 'Shall we send it again?', quickReplies: ['Yes, please', 'No'] } as const;
await kit.processInbound({ channelId: 'web', senderId: 'ben', content: question }, { roomId });
const { id, text, buttons } = await ada.waitFor('again');
console.log(`in Teams: ${text} [${buttons.map(({ label }) => label).join('] [')}]`);

await kit.subscribeRoom(roomId, ({ type, data }) => console.log(`${type}: ${String(data['emoji'])}`));
await ada.tap('Yes, please');
await ada.react(id, 'heart');
const [answer] = (await kit.getTimeline(roomId)).slice(-1);
console.log(`${answer?.source.channelId}: ${JSON.stringify(answer?.metadata['action'], ['id', 'kind'])}`);
// #endregion

server.closeAllConnections();
server.close();

// prints:
// in Teams: Shall we send it again? [Yes, please] [No]
// reaction: ❤️
// teams: {"id":"Yes, please","kind":"reply"}
