/**
 * The only place that knows `@vscode/webview-ui-toolkit` (frozen since 2025), so that it can be replaced in a day. Everything
 * else asks for a button, a check box, a field or a ring and gets an element.
 */
import { provideVSCodeDesignSystem, vsCodeButton, vsCodeCheckbox, vsCodeProgressRing, vsCodeTextField } from '@vscode/webview-ui-toolkit';
import { icon } from './icons.ts';
import { h } from './dom.ts';

/** Before any control is made; the toolkit reads the theme when the window has loaded. */
export function registerControls(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeCheckbox(), vsCodeProgressRing(), vsCodeTextField());
}

/** A command button; `primary` for the one answer that most people want. */
export function button(label: string, click: () => void, primary = false): HTMLElement {
  const element = document.createElement('vscode-button');
  element.setAttribute('appearance', primary ? 'primary' : 'secondary');
  element.textContent = label;
  element.addEventListener('click', click);
  return element;
}

export function checkbox(label: string, checked: boolean, change: (checked: boolean) => void): HTMLElement {
  const element = document.createElement('vscode-checkbox') as HTMLElement & { checked: boolean };
  element.textContent = label;
  element.checked = checked;
  element.addEventListener('change', () => change(element.checked));
  return element;
}

export interface TextField { readonly element: HTMLElement; value: string; focus(): void; select(): void }

export function textField(label: string, placeholder: string, input: (text: string) => void): TextField {
  const element = document.createElement('vscode-text-field') as HTMLElement & { value: string; control?: HTMLInputElement };
  element.setAttribute('placeholder', placeholder);
  element.setAttribute('aria-label', label);
  // The toolkit names every field "Text field" when it is put into the page.
  new MutationObserver(() => { if (element.getAttribute('aria-label') !== label) element.setAttribute('aria-label', label); }).observe(element, { attributes: true, attributeFilter: ['aria-label'] });
  element.addEventListener('input', () => input(element.value));
  return {
    element,
    get value() { return element.value ?? ''; },
    set value(text) { element.value = text; },
    focus: () => element.focus(),
    select: () => { element.focus(); element.shadowRoot?.querySelector('input')?.select(); },
  };
}

export function progressRing(label: string): HTMLElement {
  const element = document.createElement('vscode-progress-ring');
  element.setAttribute('aria-label', label);
  return element;
}

/** A flat button of the toolbar or foot bar: an icon, and a label that goes in a narrow window. */
export function toolButton(path: string, label: string, click: (event: MouseEvent) => void, { text = '', className = '', menu = false }: { readonly text?: string; readonly className?: string; readonly menu?: boolean } = {}): HTMLButtonElement {
  return h('button', { class: `btn ${className}`, type: 'button', 'aria-label': label, title: label, ...(menu && { 'aria-haspopup': 'menu' }), click: click as never }, icon(path), text && h('span', { class: 'label' }, text), menu && icon('M4 6l4 4 4-4', 'ic small'));
}
