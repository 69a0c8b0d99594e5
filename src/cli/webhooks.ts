/** `roomkit webhooks`: the address each vendor has to be told, what is missing, and telling those that can be told. */
import { resolve } from 'node:path';
import type { RoomKit, WebhookProvider } from 'roomkit';
import type { WebhooksCommand } from './arguments.js';
import { explain } from './explain.js';
import { loadKit } from './load.js';
import { CannotRun, complain, say } from './say.js';

export async function webhooks({ file, publicUrl: given, isRegistering }: WebhooksCommand): Promise<void> {
  const path = resolve(file);
  const { kit, server } = await loadKit(path).catch((error: unknown) => {
    throw error instanceof CannotRun ? error : new CannotRun(explain(error, path), 1, { cause: error });
  });
  try {
    const publicUrl = (given ?? server.publicUrl)?.replace(/\/+$/, '');
    const found = webhooksOf(kit);
    if (found.length === 0) say('No channel of this kit has a webhook: its providers read none, or it has no vendors.');
    for (const { channelId, provider } of found) {
      const url = `${publicUrl ?? 'https://YOUR-ADDRESS'}/webhooks/${encodeURIComponent(channelId)}`;
      const paths = provider.webhookPaths ?? [''];
      say(`${channelId} (${provider.name})\n${paths.map((path) => `  ${url}${path}`).join('\n')}`);
      for (const missing of missingOf(provider, publicUrl)) say(`  missing: ${missing}`);
      if (isRegistering) await register(provider, publicUrl === undefined ? undefined : url);
    }
  } finally {
    await kit.close();
  }
}

interface Found {
  readonly channelId: string;
  readonly provider: WebhookProvider;
}

function webhooksOf(kit: RoomKit): readonly Found[] {
  return kit.listChannels().flatMap((channel) => {
    const { webhook } = channel as { readonly webhook?: WebhookProvider }; // what a TransportChannel has
    return webhook === undefined ? [] : [{ channelId: channel.channelId, provider: webhook }];
  });
}

function missingOf(provider: WebhookProvider, publicUrl: string | undefined): readonly string[] {
  const { webhookNeeds = [] } = provider;
  return [
    ...webhookNeeds.map((option) => `the provider's option ${option}, without which calls cannot be verified`),
    ...(provider.verify === undefined ? ['a provider that verifies its calls'] : []),
    ...(publicUrl === undefined ? ['the public address: --public-url https://…, or export const server = { publicUrl }'] : []),
  ];
}

async function register(provider: WebhookProvider, url: string | undefined): Promise<void> {
  if (provider.registerWebhook === undefined) return say('  to be entered by hand in the console of the vendor');
  if (url === undefined) return say('  not registered: the public address is missing');
  try {
    await provider.registerWebhook(url);
    say('  registered');
  } catch (error) {
    process.exitCode = 1;
    complain(`  not registered: ${error instanceof Error ? error.message : String(error)}`);
  }
}
