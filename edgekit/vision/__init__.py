"""What models see and say: pictures, boxes, figures. numpy and Pillow, no TensorFlow."""
