export { type EndpointFigures, HttpSender } from "./sender.js";
export type { Endpoint, HttpAnswer, HttpQueue, HttpRequest, HttpSettings } from "./settings.js";
