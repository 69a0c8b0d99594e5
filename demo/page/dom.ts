/** Makes elements. Text is always set as text, so that nothing people write can become markup. */
type Child = Node | string | null | undefined | false;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | boolean | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === 'style')
      node.style.cssText = String(value); // the page's policy refuses style attributes
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false && child !== ''));
  return node;
}

/** The element with this id; the page and the program belong together, so a missing one is a mistake of ours. */
export function byId<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} with id '${id}'.`);
  return found;
}

/** Keeps a scrolled list at its end while the reader is there, and leaves it alone while they read further up. */
export class Follower {
  #following = true;
  #isDue = false;

  constructor(
    private readonly scroll: HTMLElement,
    private readonly onChange: (following: boolean) => void = () => undefined,
  ) {
    scroll.addEventListener(
      'scroll',
      () => {
        const following = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
        if (following !== this.#following) this.onChange((this.#following = following));
      },
      { passive: true },
    );
    new ResizeObserver(() => this.follow()).observe(scroll);
  }

  /** To be called after something was added; done once for all that is added before the next frame. */
  follow(): void {
    if (!this.#following || this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (this.#following) this.scroll.scrollTop = this.scroll.scrollHeight;
    });
  }

  /** Keeps what the reader looks at in its place while `grow` adds something above it. */
  holdStill(grow: () => void): void {
    const below = this.scroll.scrollHeight - this.scroll.scrollTop;
    grow();
    this.scroll.scrollTop = this.scroll.scrollHeight - below;
  }

  jump(): void {
    this.#following = true;
    this.onChange(true);
    this.follow();
  }
}
