/** One device of an emulated vendor: what the person sees there, and a field to write. */
import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.js';
import type { LineDevice, LineMessage } from '../types.js';
import { Icon } from './icons.js';

const KINDS = {
  phone: { icon: 'phone', name: 'Phone', place: 'Text message' },
  mailbox: { icon: 'mail', name: 'Mailbox', place: 'Write a mail' },
  chat: { icon: 'plane', name: 'Chat', place: 'Message' },
} as const;

export function LineDeviceView({ device }: { device: LineDevice }): VNode {
  const { id, channelId, kind, person, messages } = device;
  const { icon, name, place } = KINDS[kind];
  const log = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const isAtEnd = useRef(true);
  const [failure, setFailure] = useState<string>();
  useLayoutEffect(() => {
    if (isAtEnd.current && log.current !== null) log.current.scrollTop = log.current.scrollHeight;
  });
  const tell = (sending: Promise<unknown>): void => {
    setFailure(undefined);
    sending.catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  };
  const send = (): void => {
    const text = input.current?.value.trim() ?? '';
    if (text === '' || input.current === null) return;
    isAtEnd.current = true;
    input.current.value = '';
    tell(api.writeOnDevice(id, { text }));
  };
  return (
    <article class="device" data-kind={kind} aria-label={`${name} ${person}`}>
      <h3>
        <Icon name={icon} size={14} />
        <span>
          {channelId} · <b>{person}</b>
        </span>
      </h3>
      <div
        class="chat"
        ref={log}
        role="log"
        tabIndex={0}
        aria-label={`Messages on ${person}`}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {messages.length === 0 && <p class="note">What you write here goes through the vendor’s own protocol and signature.</p>}
        {messages.map((message) => (
          <LineBubble key={message.id} message={message} onTap={(buttonId) => tell(api.writeOnDevice(id, { messageId: message.id, buttonId }))} />
        ))}
        {failure !== undefined && <p class="wrong">{failure}</p>}
      </div>
      <form
        class="compose"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <textarea
          ref={input}
          rows={1}
          aria-label={`${place} from ${person}`}
          placeholder={place}
          maxlength={4000}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" class="primary" aria-label={`Send from ${person}`}>
          <Icon name="up" size={14} />
        </button>
      </form>
    </article>
  );
}

function LineBubble({ message, onTap }: { message: LineMessage; onTap: (buttonId: string) => void }): VNode {
  const { isOwn, text, subject, mediaUrls, buttons, failure } = message;
  return (
    <div class={`bubble${isOwn ? ' own' : ''}${failure === undefined ? '' : ' refused'}`} dir="auto">
      {subject !== undefined && subject !== '' && <small class="author">{subject}</small>}
      <span class="words">{text}</span>
      {mediaUrls.map((url) => (
        <a key={url} href={url} target="_blank" rel="noreferrer">
          {fileOf(url)}
        </a>
      ))}
      {buttons.length > 0 && (
        <span class="taps">
          {buttons.map(({ id, label }) => (
            <button key={id} type="button" onClick={() => onTap(id)}>
              {label}
            </button>
          ))}
        </span>
      )}
      {failure !== undefined && <small>{failure}</small>}
    </div>
  );
}

function fileOf(url: string): string {
  return url.startsWith('data:') ? 'attachment' : (url.split(/[?#]/)[0]?.split('/').pop() ?? url);
}
