// Keeps the secret token of this tab in its sessionStorage, so that a reloaded page gets its data back, and opens projects.
// data: { name: of the entry, token: to keep, or null, question: a number if Python wants to know the token, else null,
//         waits: whether it wants an answer also if there is none, open: address of a page to open, or null }
// The component's state `answer` is { question, token: "" if there is none }.

let answered = null;

export default function ({ data, setStateValue }) {
  let token = "";
  try {
    if (data.token) sessionStorage.setItem(data.name, data.token);
    token = sessionStorage.getItem(data.name) ?? "";
  } catch {
    // the browser does not permit it: a reloaded page starts anew
  }
  if (data.open !== null) {
    location.assign(new URL(data.open, location.href));
  } else if (data.question !== null && data.question !== answered && (token || data.waits)) {
    answered = data.question;
    setStateValue("answer", { question: answered, token });
  }
}
