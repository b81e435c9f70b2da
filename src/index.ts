/** The public API. */

export type { Answer, AskOptions } from './chatrex/answer.ts';
export { type ChatRexConfig, type ChatRexPreset, chatRexPresets } from './chatrex/config.ts';
export type {
  CountAnswer,
  DetectAnswer,
  EncodedImage,
  ImageBoxes,
  RegionCaption,
  Turn,
} from './chatrex/encoded-image.ts';
export type { BoxList, ScoredBoxes } from './chatrex/image-boxes.ts';
export { ChatRex, type EncodeOptions, type LoadOptions } from './chatrex.ts';
export { type DrawBoxesOptions, drawBoxes } from './drawing/draw-boxes.ts';
export type { ImageFormat } from './drawing/encode.ts';
export { groundedAnswerAnsi } from './drawing/grounded-ansi.ts';
export { drawGroundedAnswer, type GroundedAnswerOptions } from './drawing/grounded-answer.ts';
export { type GroundedHtmlOptions, groundedAnswerHtml } from './drawing/grounded-html.ts';
export { ChatRexError, type ErrorCode } from './errors.ts';
export type { GroundedText, Span } from './grounding/grounded-text.ts';
export type { AnswerEvent, AnswerIssue, IssueKind } from './grounding/parse.ts';
export { decodeImage, type ImageLimits, type ImageSource, type RawPixels } from './image/decode.ts';
export type { ImageSize, RgbImage } from './image/rgb-image.ts';
export type { RegionStyle } from './prompt/templates.ts';
export { loadProposalNetwork } from './proposals/load-proposal-network.ts';
export type { Granularity } from './proposals/network.ts';
export type { FilterOptions, Proposals } from './proposals/post-process.ts';
export type { ProposalNetwork, ProposeOptions } from './proposals/proposal-network.ts';
export { Upn, type UpnLoadOptions } from './proposals/upn.ts';
export type { Provider, SessionOptions } from './runtime/session.ts';
