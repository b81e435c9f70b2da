// Prints what Rex-Omni's evaluation/fastevaluate computes for each class, as JSON after "JSON".
// In that folder: gcc -c cJSON.c maskApi.c && g++ -c cocoeval.cpp THIS_FILE && g++ *.o -lpthread -o fastevaluate
// ./fastevaluate ANNOTATIONS DETECTIONS coco|lvis
#include "cocoeval.h"

int main(int, char** arguments) {
  map<string, vector<double>> found;
  if (string(arguments[3]) == "coco") {
    COCOEval evaluation(arguments[1], arguments[2], "json", 0, 0, "bbox");
    evaluation.evaluate();
    found = evaluation.accumulate();
  } else {
    LVISEval evaluation(arguments[1], arguments[2], "json", 0, "bbox");
    evaluation.evaluate();
    found = evaluation.accumulate();
  }
  printf("\nJSON{");
  const char* comma = "";
  for (auto& [name, values] : found) {
    printf("%s\"%s\":[", comma, name.c_str());
    for (size_t i = 0; i < values.size(); i++) printf(i ? ",%.17g" : "%.17g", values[i]);
    printf("]");
    comma = ",";
  }
  printf("}\n");
}
