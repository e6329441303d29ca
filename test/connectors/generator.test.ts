import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./generator.js";

conform(t, connector);
