import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./kafka.js";

conform(t, connector);
