export { type EndpointFigures, HttpSender } from "./sender.js";
export type { HttpAnswer, HttpQueue, HttpRequest, HttpSettings } from "./settings.js";
