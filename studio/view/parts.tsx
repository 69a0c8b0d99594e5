/** Small parts the inspector is made of. */
import type { ComponentChildren, VNode } from 'preact';
import { go, settleAddress } from '../store/route.js';
import { Icon } from './icons.js';
import { complain, tell } from './notices.js';

export function Section({ title, children, action }: { title: string; children: ComponentChildren; action?: ComponentChildren }): VNode {
  return (
    <section class="part">
      <h3>
        <span>{title}</span>
        {action}
      </h3>
      {children}
    </section>
  );
}

export function PanelHead({ kind, title, children }: { kind: string; title: string; children?: ComponentChildren }): VNode {
  return (
    <header class="panel-head">
      <div>
        <p>{kind}</p>
        <h2>{title}</h2>
      </div>
      <span class="grow" />
      {children}
      <button
        type="button"
        class="bare"
        aria-label="Copy a link to this"
        title="Copy a link to this"
        onClick={() => {
          settleAddress();
          copy(location.href, 'Link copied');
        }}
      >
        <Icon name="link" />
      </button>
      <button
        type="button"
        class="bare close"
        aria-label="Close"
        title="Close"
        onClick={() => go({ inspect: undefined, subject: undefined, event: undefined })}
      >
        <Icon name="close" />
      </button>
    </header>
  );
}

export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren] | false)[] }): VNode {
  return (
    <dl class="card facts-list">
      {facts.map(
        (fact) =>
          fact !== false && (
            <div key={fact[0]}>
              <dt>{fact[0]}</dt>
              <dd>{fact[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

export function Json({ title, value }: { title: string; value: unknown }): VNode {
  return (
    <details class="json">
      <summary>{title}</summary>
      <pre tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}

export function Copyable({ text }: { text: string }): VNode {
  return (
    <button type="button" class="copyable" title="Copy" onClick={() => copy(text, 'Copied')}>
      <code>{text}</code>
    </button>
  );
}

/** Pages that did not come over a safe connection have no clipboard. */
function copy(text: string, done: string): void {
  const clipboard = (navigator as Partial<Navigator>).clipboard;
  if (clipboard === undefined) {
    complain(new Error('The browser lets pages copy only over https or from this machine.'));
    return;
  }
  void clipboard.writeText(text).then(() => tell(done), complain);
}
