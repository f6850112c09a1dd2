/** Elements without markup text: data only ever becomes text nodes and attributes. */
export type Child = Node | string | undefined | null | false;

type Props = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

const SVG = 'http://www.w3.org/2000/svg';

function fill<E extends Element>(element: E, props: Props, children: readonly Child[]): E {
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key, value as (event: Event) => void);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** `h('button', { class: 'btn', click: … }, 'Run')`: functions become listeners, everything else attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Replaces what is inside. */
export function put(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...children.filter((c): c is Node | string => !!c));
}

/** Sizes and places that data decides, set by CSSOM because the page's policy forbids style attributes. */
export function styled<E extends HTMLElement | SVGElement>(element: E, style: Readonly<Record<string, string>>): E {
  for (const [key, value] of Object.entries(style)) element.style.setProperty(key, value);
  return element;
}
