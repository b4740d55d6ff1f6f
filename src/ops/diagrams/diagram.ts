/**
 * What a drawing consists of, before anybody knows where things go: boxes within boxes, and arrows between them. Statecharts
 * and supervision trees become a `Diagram`; `layout.ts` places it and `svg.ts` draws it, and neither knows what it means.
 */

/**
 * `state`, `region` (one of several at the same time), `final` and the `initial` dot belong to charts; `supervisor`, `worker`
 * and `dynamic` (a pattern of children that come and go) belong to trees.
 */
export type BoxShape = 'state' | 'region' | 'final' | 'initial' | 'supervisor' | 'worker' | 'dynamic';

/** How a piece of text is coloured: `plain` ink, `quiet` prose, and the four things a chart names. */
export type Tone = 'plain' | 'quiet' | 'event' | 'delay' | 'guard' | 'action';

export interface TextPart {
  readonly text: string;
  readonly tone: Tone;
}

export type TextLine = readonly TextPart[];

export interface Box {
  readonly id: string;
  readonly shape: BoxShape;
  readonly title: string;
  readonly lines: readonly TextLine[];
  readonly boxes: readonly Box[];
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: readonly TextLine[];
}

export interface Diagram {
  readonly name: string;
  /** One sentence for readers who cannot see it; becomes the SVG's description. */
  readonly description: string;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}
