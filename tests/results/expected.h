/* Made by make_expected.py. */
/* clang-format off */
static const char expected_csv[] =
    "file,frame,time,width,height,class,class_id,score,x1,y1,x2,y2,track\n"
    "\"a/blood, \"\"one\"\".jpg\",,,640,480,two words,1,0.973542,0,10.5,100.25,480,\n"
    "\"a/blood, \"\"one\"\".jpg\",,,640,480,cell,0,0.5,20.25,30.75,40.125,60.625,\n"
    "\"a/blood, \"\"one\"\".jpg\",,,640,480,two words,1,0.12345678,0.5,0.25,639.5,479.75,\n"
    "\"a/blood, \"\"one\"\".jpg\",,,640,480,\"line\n"
    "break\",3,0.001,5.5,6.5,7.5,8.5,\n"
    "\"a/blood, \"\"one\"\".jpg\",,,640,480,\"comma, \"\"quoted\"\"\",2,0.00099,0,0,1.5,2.5,\n"
    "000000397133.jpg,,,200,100,cell,0,1,0.5,0.5,199.5,99.5,\n"
    "";
static const char expected_coco[] =
    "[\n"
    "  {\"image_id\": \"blood, \\\"one\\\"\", \"category_id\": 2, \"bbox\": [0, 10.5, 100.25, 469.5], \"score\": 0.973542},\n"
    "  {\"image_id\": \"blood, \\\"one\\\"\", \"category_id\": 1, \"bbox\": [20.25, 30.75, 19.875, 29.875], \"score\": 0.5},\n"
    "  {\"image_id\": \"blood, \\\"one\\\"\", \"category_id\": 2, \"bbox\": [0.5, 0.25, 639, 479.5], \"score\": 0.12345678},\n"
    "  {\"image_id\": \"blood, \\\"one\\\"\", \"category_id\": 4, \"bbox\": [5.5, 6.5, 2, 2], \"score\": 0.001},\n"
    "  {\"image_id\": \"blood, \\\"one\\\"\", \"category_id\": 3, \"bbox\": [0, 0, 1.5, 2.5], \"score\": 0.00099},\n"
    "  {\"image_id\": 397133, \"category_id\": 1, \"bbox\": [0.5, 0.5, 199, 99], \"score\": 1}\n"
    "]\n"
    "";
static const char expected_lines[] =
    "{\"file\": \"a/blood, \\\"one\\\".jpg\", \"width\": 640, \"height\": 480, \"detections\": [{\"class\": \"two words\", \"class_id\": 1, \"score\": 0.973542, \"box\": [0, 10.5, 100.25, 480]}, {\"class\": \"cell\", \"class_id\": 0, \"score\": 0.5, \"box\": [20.25, 30.75, 40.125, 60.625]}, {\"class\": \"two words\", \"class_id\": 1, \"score\": 0.12345678, \"box\": [0.5, 0.25, 639.5, 479.75]}, {\"class\": \"line\\n"
    "break\", \"class_id\": 3, \"score\": 0.001, \"box\": [5.5, 6.5, 7.5, 8.5]}, {\"class\": \"comma, \\\"quoted\\\"\", \"class_id\": 2, \"score\": 0.00099, \"box\": [0, 0, 1.5, 2.5]}], \"ms\": {\"load\": 1.5, \"resize\": null, \"network\": 2.25, \"decode\": 0.125, \"total\": 4}}\n"
    "{\"file\": \"000000397133.jpg\", \"width\": 200, \"height\": 100, \"detections\": [{\"class\": \"cell\", \"class_id\": 0, \"score\": 1, \"box\": [0.5, 0.5, 199.5, 99.5]}], \"ms\": {\"load\": 1.5, \"resize\": null, \"network\": 2.25, \"decode\": 0.125, \"total\": 4}}\n"
    "{\"file\": \"empty.png\", \"width\": 32, \"height\": 32, \"detections\": [], \"ms\": {\"load\": 1.5, \"resize\": null, \"network\": 2.25, \"decode\": 0.125, \"total\": 4}}\n"
    "";
static const char expected_family_0[] =
    "cell 0.5 20 30 40 60\n"
    "two words 0.9735 -3 10 100 700\n"
    "two words 0.1234 0 0 639 479\n"
    "comma, \"quoted\" 0.0009 0 0 1 2\n"
    "line_break 0.001 5 6 7 8\n"
    "";
static const char expected_yolo_0[] =
    "1 0.078320 0.510938 0.156641 0.978125\n"
    "0 0.047168 0.095182 0.031055 0.062240\n"
    "1 0.500000 0.500000 0.998437 0.998958\n"
    "3 0.010156 0.015625 0.003125 0.004167\n"
    "2 0.001172 0.002604 0.002344 0.005208\n"
    "";
static const char expected_scores_0[] =
    "1 0.078320 0.510938 0.156641 0.978125 0.973542\n"
    "0 0.047168 0.095182 0.031055 0.062240 0.500000\n"
    "1 0.500000 0.500000 0.998437 0.998958 0.123457\n"
    "3 0.010156 0.015625 0.003125 0.004167 0.001000\n"
    "2 0.001172 0.002604 0.002344 0.005208 0.000990\n"
    "";
static const char expected_family_1[] =
    "cell 1.0 0 0 199 99\n"
    "";
static const char expected_yolo_1[] =
    "0 0.500000 0.500000 0.995000 0.990000\n"
    "";
static const char expected_scores_1[] =
    "0 0.500000 0.500000 0.995000 0.990000 1.000000\n"
    "";
