// Buttons that do something in the browser alone.
// data: { does: "copy" or "print", label, lacks: what the link cannot hold, in a sentence, or nothing }

const DRAWN = {
  copy: "M10 14a4.5 4.5 0 0 0 6.4 0l3.2-3.2a4.5 4.5 0 0 0-6.4-6.4l-1 1M14 10a4.5 4.5 0 0 0-6.4 0l-3.2 3.2a4.5 4.5 0 0 0 6.4 6.4l1-1",
  print: "M7 8V3h10v5M7 17H4V9h16v8h-3M7 14h10v7H7z",
};

// an old way, for pages that do not come over HTTPS: there is no other clipboard there
function copiedByHand(field) {
  field.hidden = false;
  field.select();
  return document.execCommand("copy");
}

async function copy(said, field, lacks) {
  field.value = location.href;
  let copied;
  try {
    await navigator.clipboard.writeText(location.href);
    copied = true;
  } catch {
    copied = copiedByHand(field);
  }
  field.hidden = copied;
  said.textContent = (copied ? "Copied. " : "Here it is, to be copied: ") + lacks;
}

export default function (component) {
  const { data, parentElement } = component;
  const [button, said, field] = ["button", "p", "input"].map((name) => parentElement.querySelector(name));
  button.querySelector("path").setAttribute("d", DRAWN[data.does]);
  button.querySelector("span").textContent = data.label;
  button.onclick = () => (data.does === "print" ? window.print() : copy(said, field, data.lacks));
}
