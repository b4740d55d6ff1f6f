/** Questions that tests ask within the page. They are text, for the types of a browser are not those of this program. */

/** The states that are marked in the chart of the panel, and in that of a replay, in order. */
export const MARKED = markedIn('#detail-chart');
export const MARKED_IN_REPLAY = `${markedIn('#replay-chart')}.sort()`;
function markedIn(place: string): string {
  return `[...(document.querySelector('${place} .chart > div')?.shadowRoot?.querySelectorAll('.now') ?? [])].map((box) => box.dataset.state)`;
}

/** The name of what has the focus. */
export const FOCUSED = `document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? ''`;
/** Ids that stand twice. */
export const TWICE = `(() => {
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
})()`;
/** Whatever can be used or seen and has no name for somebody who hears the page. */
export const NAMELESS = `(() => {
  const named = (element) => {
    const label = element.getAttribute('aria-label') || element.getAttribute('alt') || element.getAttribute('title') || '';
    const by = (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join('');
    const own = element.matches('input, select, img, svg') ? '' : element.textContent;
    const wrapped = element.closest('label')?.textContent ?? '';
    return (label + by + own + wrapped).trim() !== '';
  };
  const wanted = 'button, a, input, select, img, svg[role=img], [role=tree], [role=treeitem], [role=region], [role=group], [role=img], section, nav, dialog, aside';
  const cells = [...document.querySelectorAll('th')].filter((cell) => cell.scope !== 'col' || cell.textContent.trim() === '');
  return [...document.querySelectorAll(wanted)].filter((element) => element.checkVisibility() && !named(element)).concat(cells).map(({ outerHTML }) => outerHTML.slice(0, 120));
})()`;
/** Texts that are too faint on what they stand on: under 4.5 to 1. */
export const CONTRAST = `(() => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '') &&
    element.checkVisibility() && !element.closest('.picture, :disabled, script, style, .unreachable'));
  return texts.flatMap((element) => {
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return ratio < 4.5 ? [element.outerHTML.slice(0, 100) + ' ' + ratio.toFixed(2)] : [];
  });
})()`;
