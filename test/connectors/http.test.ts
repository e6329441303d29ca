import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./http.js";

conform(t, connector);
