/** Who may look: a server with authentication wants a key. */
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { unlock } from '../store/host.js';
import { loadRooms } from '../store/rooms.js';
import { api } from '../api.js';
import { Icon } from './icons.js';

export function KeyForm({ refused }: { refused: string | undefined }): VNode {
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? '';
    if (key === '') return;
    setBusy(true);
    await unlock(key, async () => {
      await api.listRooms({ limit: 1 });
      await loadRooms();
    });
    setBusy(false);
  };
  return (
    <main class="gate">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1 class="brand">
          <i aria-hidden="true" />
          <span>
            RoomKit <b>Studio</b>
          </span>
        </h1>
        <p>This server asks who you are. Studio needs a key with the scope operate; it is kept in this tab and ends with it.</p>
        <label for="key">API key or token</label>
        <input id="key" ref={input} type="password" autocomplete="off" spellcheck={false} placeholder="rk_…" autofocus aria-describedby="key-error" />
        <p id="key-error" class="wrong" role="alert">
          {refused}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          <Icon name="lock" />
          {busy ? 'Asking…' : 'Open Studio'}
        </button>
        <details>
          <summary>Where do I get one?</summary>
          <pre>{`const { key, hash } = await createApiKey('studio');
serve(kit, {
  port: 4170,
  studio: true,
  authenticate: apiKeys([
    { id: 'studio', hash, scopes: ['read', 'write', 'operate'] },
  ]),
});`}</pre>
        </details>
      </form>
    </main>
  );
}
